import type { AffectedSnapshot, DoctorReport, Finding } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { timestamp } from "../../output/timestamps.ts";

const MAX_SNAPSHOTS = 10;
const MAX_FILES = 3;

/** The report in plain words, worst first. */
export function printReport(context: CommandContext, report: DoctorReport): void {
  const { out, formatBytes } = context;
  const { totals } = report;
  out.line(`Examined ${report.storage}`);
  out.line(
    `  ${totals.blobCount} blobs (${formatBytes(totals.blobBytes)}), ${totals.packCount} packs, ` +
      `${totals.contentCount} contents, ${totals.snapshotCount} snapshots`,
  );
  out.line(
    `  ${totals.isSample ? "a sample of the contents was read" : "contents were read"}: ` +
      `${totals.readContentCount} (${formatBytes(totals.readBytes)})`,
  );
  for (const finding of report.findings) printFinding(context, finding);
  for (const { check, reason } of report.incomplete) {
    out.line("");
    out.line(`NOT EXAMINED ${check}: ${reason}`);
  }
  if (report.verdict !== "healthy") return;
  out.line("");
  out.line("The repository is healthy.");
}

function printFinding(context: CommandContext, finding: Finding): void {
  const { out } = context;
  out.line("");
  out.line(`${finding.severity.toUpperCase()} ${finding.code}: ${finding.title}`);
  out.line(`  ${finding.summary}`);
  printAffected(context, finding.affected);
  out.line("  What to do:");
  for (const [i, step] of finding.nextSteps.entries()) out.line(`    ${i + 1}. ${step}`);
}

function printAffected(context: CommandContext, affected: Finding["affected"]): void {
  const { out } = context;
  if (affected === "all") out.line("  Affected snapshots: all of them");
  else if (affected.length > 0) {
    out.line(`  Affected snapshots: ${affected.length}`);
    // The newest are the ones that people need first.
    const shown = affected.toReversed().slice(0, MAX_SNAPSHOTS);
    for (const snapshot of shown) out.line(`    ${describe(context, snapshot)}`);
    if (affected.length > shown.length)
      out.line(`    … and ${affected.length - shown.length} more`);
  }
}

function describe(context: CommandContext, snapshot: AffectedSnapshot): string {
  const { manifestId, source, startTime, isInvisible, fileCount, examples } = snapshot;
  const files = examples.slice(0, MAX_FILES).join(", ");
  const more = fileCount > MAX_FILES ? ", …" : "";
  return (
    `${manifestId} ${source} ${timestamp(context, startTime)}` +
    `${isInvisible ? " (not listed any more)" : ""}: ${fileCount} files: ${files}${more}`
  );
}
