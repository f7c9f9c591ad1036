import { statSync } from "node:fs";
import { resolve } from "node:path";
import { NS_PER_SECOND, formatGoDuration } from "@kopia-engine/kopia-format";
import {
  cleanPath,
  estimateSnapshot,
  loadPolicyTree,
  type EstimateBucket,
  type SnapshotEstimate,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { defineCommand, requiredArgument } from "../../parser/command.ts";
import { booleanFlag, countFlag, floatFlag } from "../../parser/flag.ts";
import { UsageError } from "../../parser/usage-error.ts";
import { withRepository } from "../../session/open-session.ts";

const BITS_PER_MEGABIT = 1_000_000;
const BOUND_WIDTH = 6;
const COUNT_WIDTH = 8;

/** `snapshot estimate` (spec 2 §9.10): what a snapshot would hold, without reading any file. */
export const command = defineCommand({
  flags: {
    showFiles: booleanFlag("show-files", { help: "Show examples of files" }),
    quiet: booleanFlag("quiet", { short: "q", help: "Do not tell which directory is looked at" }),
    uploadSpeed: floatFlag("upload-speed", { help: "Mbit/s for the estimate", default: 10 }),
    maxExamples: countFlag("max-examples-per-bucket", {
      help: "Examples of each size",
      default: 10,
    }),
  },
  arguments: { path: requiredArgument("source", "Directory to look at") },
  async run(context, { flags, arguments: words }) {
    const path = cleanPath(resolve(context.io.cwd, words.path));
    assertDirectory(path, words.path);
    await withRepository(context, async ({ client, manifests }) => {
      const source = { userName: client.username, host: client.hostname, path };
      const estimate = await estimateSnapshot({
        path,
        source,
        policyTree: await loadPolicyTree(manifests, source),
        maxExamplesPerBucket: flags.maxExamples,
        signal: context.io.signal,
        ...(flags.quiet
          ? {}
          : { onDirectory: (name: string) => context.log.info(`Analyzing ${name}...`) }),
      });
      print(context, estimate, flags);
    });
  },
});

function assertDirectory(path: string, given: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new UsageError(`path '${given}' does not exist`);
  if (!stat.isDirectory()) throw new CommandError(`invalid path: '${path}': must be a directory`);
}

function print(
  context: CommandContext,
  estimate: SnapshotEstimate,
  { showFiles, uploadSpeed }: { readonly showFiles: boolean; readonly uploadSpeed: number },
): void {
  const { out, formatBytes } = context;
  const included = totals(estimate.included);
  out.line(
    `Snapshot includes ${included.fileCount} file(s), total size ${formatBytes(included.totalBytes)}`,
  );
  printBuckets(context, estimate.included, showFiles);
  out.line("");
  const excluded = totals(estimate.excluded);
  if (excluded.fileCount === 0) out.line("Snapshot excludes no files.");
  else {
    out.line(
      `Snapshot excludes ${excluded.fileCount} file(s), total size ${formatBytes(excluded.totalBytes)}`,
    );
    printBuckets(context, estimate.excluded, true);
  }
  if (estimate.excludedDirectoryCount === 0) out.line("Snapshot excludes no directories.");
  else {
    out.line(`Snapshot excludes ${estimate.excludedDirectoryCount} directories. Examples:`);
    for (const name of estimate.excludedDirectories) out.line(` - ${name}`);
  }
  if (estimate.errorCount > 0) out.line(`Encountered ${estimate.errorCount} error(s).`);
  const megabits = (included.totalBytes * 8) / BITS_PER_MEGABIT;
  const seconds = uploadSpeed > 0 ? Math.floor(megabits / uploadSpeed) : 0;
  const duration = formatGoDuration(BigInt(seconds) * NS_PER_SECOND);
  out.line("");
  out.line(`Estimated upload time: ${duration} at ${uploadSpeed} Mbit/s`);
}

function printBuckets(
  { out, formatBytes }: CommandContext,
  buckets: readonly EstimateBucket[],
  showExamples: boolean,
): void {
  for (const { minBytes, fileCount, totalBytes, examples } of buckets) {
    const upper = minBytes === 0 ? 1000 : minBytes * 10;
    const range = `${formatBytes(minBytes).padEnd(BOUND_WIDTH)}...${formatBytes(upper).padStart(BOUND_WIDTH)}`;
    const count = String(fileCount).padStart(COUNT_WIDTH);
    out.line(`   ${range}:${count} files, total size ${formatBytes(totalBytes)}`);
    if (!showExamples) continue;
    for (const { path, sizeBytes } of examples) out.line(` - ${path} - ${formatBytes(sizeBytes)}`);
  }
}

function totals(buckets: readonly EstimateBucket[]): { fileCount: number; totalBytes: number } {
  return buckets.reduce(
    (sum, { fileCount, totalBytes }) => ({
      fileCount: sum.fileCount + fileCount,
      totalBytes: sum.totalBytes + totalBytes,
    }),
    { fileCount: 0, totalBytes: 0 },
  );
}
