import { formatGoDuration, NS_PER_SECOND } from "@kopia-engine/kopia-format";
import type { Policy, PolicyField, Source } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import type { FormatBytes } from "../../output/sizes.ts";
import { actionRows } from "./describe-actions.ts";
import { compressionRows } from "./describe-compression.ts";
import { alignPolicyRows, PolicyOrigins, type PolicyRow } from "./policy-table.ts";

const NOT_SET = "-";

/** A policy to be described. */
export interface DescribedPolicy {
  readonly policy: Policy;
  readonly definedBy: ReadonlyMap<PolicyField, Source>;
  readonly target: Source;
  readonly formatBytes: FormatBytes;
}

/** The lines of `policy show`, as Kopia lays them out. */
export function describePolicy(described: DescribedPolicy): readonly string[] {
  const { policy } = described;
  const origins = new PolicyOrigins(described.definedBy, described.target);
  const blank: PolicyRow = { text: "" };
  return alignPolicyRows([
    ...retentionRows(policy, origins),
    blank,
    ...filesRows(described, origins),
    blank,
    ...errorRows(policy, origins),
    blank,
    ...schedulingRows(policy, origins),
    blank,
    ...uploadRows(described, origins),
    blank,
    ...compressionRows(described, origins),
    blank,
    ...actionRows(policy, origins),
    blank,
    { text: "OS-level snapshot support:" },
    row(
      "  Volume Shadow Copy:",
      shadowCopyText(policy),
      origins.of("osSnapshots.volumeShadowCopy.enable"),
    ),
    blank,
    ...loggingRows(policy, origins),
  ]);
}

/** What `repository create` prints about the policy of the new repository. */
export function printNewPolicy(
  context: CommandContext,
  { policy, target }: { readonly policy: Policy; readonly target: Source },
): void {
  const origins = new PolicyOrigins(new Map(), target);
  for (const line of alignPolicyRows(retentionRows(policy, origins))) context.out.line(line);
  context.out.line("Compression disabled.");
}

function retentionRows({ retention }: Policy, origins: PolicyOrigins): readonly PolicyRow[] {
  const count = (label: string, field: PolicyField, value: number | undefined): PolicyRow =>
    row(label, value === undefined ? NOT_SET : String(value), origins.of(field));
  return [
    { text: "Retention:" },
    count("  Annual snapshots:", "retention.keepAnnual", retention.keepAnnual),
    count("  Monthly snapshots:", "retention.keepMonthly", retention.keepMonthly),
    count("  Weekly snapshots:", "retention.keepWeekly", retention.keepWeekly),
    count("  Daily snapshots:", "retention.keepDaily", retention.keepDaily),
    count("  Hourly snapshots:", "retention.keepHourly", retention.keepHourly),
    count("  Latest snapshots:", "retention.keepLatest", retention.keepLatest),
    row(
      "  Ignore identical snapshots:",
      String(retention.ignoreIdenticalSnapshots ?? false),
      origins.of("retention.ignoreIdenticalSnapshots"),
    ),
  ];
}

function filesRows(
  { policy: { files }, formatBytes }: DescribedPolicy,
  origins: PolicyOrigins,
): readonly PolicyRow[] {
  const rows: PolicyRow[] = [
    { text: "Files policy:" },
    row(
      "  Ignore cache directories:",
      String(files.ignoreCacheDirs ?? true),
      origins.of("files.ignoreCacheDirs"),
    ),
  ];
  if (files.ignore === undefined || files.ignore.length === 0)
    rows.push({ text: "  No ignore rules:" });
  else rows.push(row("  Ignore rules:", "", origins.of("files.ignore")), ...indented(files.ignore));
  if (files.ignoreDotFiles !== undefined && files.ignoreDotFiles.length > 0) {
    rows.push(
      row("  Read ignore rules from files:", "", origins.of("files.ignoreDotFiles")),
      ...indented(files.ignoreDotFiles),
    );
  }
  if (files.maxFileSize !== undefined && files.maxFileSize > 0n) {
    const size = formatBytes(files.maxFileSize);
    rows.push(row("  Ignore files above:", size, origins.of("files.maxFileSize")));
  }
  const oneFileSystem = String(files.oneFileSystem ?? false);
  rows.push(row("  Scan one filesystem only:", oneFileSystem, origins.of("files.oneFileSystem")));
  return rows;
}

function errorRows({ errorHandling }: Policy, origins: PolicyOrigins): readonly PolicyRow[] {
  return [
    { text: "Error handling policy:" },
    row(
      "  Ignore file read errors:",
      String(errorHandling.ignoreFileErrors ?? false),
      origins.of("errorHandling.ignoreFileErrors"),
    ),
    row(
      "  Ignore directory read errors:",
      String(errorHandling.ignoreDirectoryErrors ?? false),
      origins.of("errorHandling.ignoreDirectoryErrors"),
    ),
    row(
      "  Ignore unknown types:",
      String(errorHandling.ignoreUnknownTypes ?? true),
      origins.of("errorHandling.ignoreUnknownTypes"),
    ),
  ];
}

function schedulingRows({ scheduling }: Policy, origins: PolicyOrigins): readonly PolicyRow[] {
  const { intervalSeconds = 0n, timeOfDay = [], cron = [] } = scheduling;
  const rows: PolicyRow[] = [{ text: "Scheduling policy:" }, { text: "  Scheduled snapshots:" }];
  if (intervalSeconds > 0n) {
    const interval = formatGoDuration(intervalSeconds * NS_PER_SECOND);
    rows.push(row("    Snapshot interval:", interval, origins.of("scheduling.intervalSeconds")));
  }
  if (timeOfDay.length > 0 || cron.length > 0) {
    const runMissed = String(scheduling.runMissed ?? false);
    rows.push(row("  Run missed snapshots:", runMissed, origins.of("scheduling.runMissed")));
  }
  if (timeOfDay.length > 0) {
    const times = timeOfDay.map(({ hour, min }) => `${hour}:${String(min).padStart(2, "0")}`);
    rows.push(row("  Snapshot times:", "", origins.of("scheduling.timeOfDay")), ...indented(times));
  }
  if (cron.length > 0)
    rows.push(row("  Crontab expressions:", "", origins.of("scheduling.cron")), ...indented(cron));
  if (intervalSeconds === 0n && timeOfDay.length === 0 && cron.length === 0)
    rows.push({ text: "    None." });
  const manual = String(scheduling.manual ?? false);
  rows.push(row("  Manual snapshot:", manual, origins.of("scheduling.manual")));
  return rows;
}

function uploadRows(
  { policy: { upload }, formatBytes }: DescribedPolicy,
  origins: PolicyOrigins,
): readonly PolicyRow[] {
  const count = (value: number | undefined): string =>
    value === undefined ? NOT_SET : String(value);
  const above = upload.parallelUploadAboveSize;
  return [
    { text: "Uploads:" },
    row(
      "  Max parallel snapshots (server/UI):",
      count(upload.maxParallelSnapshots),
      origins.of("upload.maxParallelSnapshots"),
    ),
    row(
      "  Max parallel file reads:",
      count(upload.maxParallelFileReads),
      origins.of("upload.maxParallelFileReads"),
    ),
    row(
      "  Parallel upload above size:",
      above === undefined ? NOT_SET : formatBytes(above),
      origins.of("upload.parallelUploadAboveSize"),
    ),
  ];
}

function loggingRows({ logging }: Policy, origins: PolicyOrigins): readonly PolicyRow[] {
  const level = (label: string, field: PolicyField, value: number | undefined): PolicyRow =>
    row(label, String(value ?? 0), origins.of(field));
  const { directories, entries } = logging;
  return [
    { text: "Logging details (0-none, 10-maximum):" },
    level("  Directory snapshotted:", "logging.directories.snapshotted", directories.snapshotted),
    level("  Directory ignored:", "logging.directories.ignored", directories.ignored),
    level("  Entry snapshotted:", "logging.entries.snapshotted", entries.snapshotted),
    level("  Entry ignored:", "logging.entries.ignored", entries.ignored),
    level("  Entry cache hit:", "logging.entries.cacheHit", entries.cacheHit),
    level("  Entry cache miss:", "logging.entries.cacheMiss", entries.cacheMiss),
  ];
}

function shadowCopyText({ osSnapshots }: Policy): string {
  return ["never", "always", "when-available"][osSnapshots.volumeShadowCopy.enable ?? 0] ?? "never";
}

function row(label: string, value: string, origin: string): PolicyRow {
  return { label, value, origin };
}

function indented(texts: readonly string[]): readonly PolicyRow[] {
  return texts.map((text) => ({ text: `    ${text}` }));
}
