import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ChangeCounts, changeFiles } from "./change-files.ts";
import { compareTrees } from "./compare-trees.ts";
import { copySources } from "./copy-source.ts";
import { Programs } from "./programs.ts";
import { type BackupRow, directoryBytes, formatBytes, formatTable } from "./report.ts";

/** What the demo works with. */
export interface DemoOptions {
  /** Fresh directory for everything the demo writes. */
  readonly workDirectory: string;
  readonly sources: readonly string[];
  /** Directory of `kopia` and `mover`. */
  readonly programs: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (line: string) => void;
}

/** More than this is not copied: the demo is to end within a minute. */
const MAX_SOURCE_BYTES = 1.5 * 2 ** 30;
/** Snapshots that the retention series keeps. */
const KEEP_LATEST = 3;
const RETENTION_ROUNDS = 4;

/**
 * The main job, as a cluster would run it: the mover backs up a directory again and again, the command
 * line lists and verifies, the mover restores into a fresh volume, and every file, mode, owner and time
 * is compared with the source.
 * @returns whether everything was as it must be.
 */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const { workDirectory, write } = options;
  const data = join(workDirectory, "data");
  const programs = new Programs(options, { data, repository: join(workDirectory, "repository") });
  const problems: string[] = [];
  const rows: BackupRow[] = [];

  write(`Kopia Engine demo in ${workDirectory}`);
  write(`\n1. A copy of real files: ${options.sources.join(", ")}`);
  const copied = copySources(options.sources, data, MAX_SOURCE_BYTES);
  write(`   ${copied.fileCount} files, ${formatBytes(copied.totalBytes)}`);

  write("\n2. First backup by the mover: it creates the repository");
  rows.push(await backup(programs, "first"));

  write("\n3. Some files change; the next backup reads only those");
  write(`   ${describeChanges(changeFiles(data, 1))}`);
  rows.push(await backup(programs, "incremental"));
  rows.push(await backup(programs, "unchanged"));

  write("\n4. The command line lists and verifies every byte");
  await programs.kopia("snapshot", "list", "--all");
  await programs.kopia("snapshot", "verify", "--verify-files-percent=100");

  write("\n5. The mover restores into a fresh volume; everything is compared");
  problems.push(...(await restoreAndCompare(programs, options, data)));

  write(`\n6. More backups, keeping the latest ${KEEP_LATEST}`);
  problems.push(...(await runRetention(programs, data, write)));

  write("");
  for (const line of formatTable(rows)) write(line);
  write(`\n   repository on disk: ${formatBytes(directoryBytes(programs.repository))}`);
  write(`\nLook further:\n\n${programs.invitation()}\n`);
  for (const problem of problems.slice(0, 20)) write(`DIFFERENCE: ${problem}`);
  write(
    problems.length === 0
      ? "Everything restored bit for bit."
      : `${problems.length} difference(s).`,
  );
  return problems.length === 0;
}

async function backup(
  programs: Programs,
  name: string,
  env: Record<string, string> = {},
): Promise<BackupRow> {
  const before = directoryBytes(programs.repository);
  const run = await programs.mover("backup", env);
  const [latest] = (await programs.snapshots()).slice(-1);
  return {
    name,
    fileCount: latest?.rootEntry.summ.files ?? 0,
    totalBytes: latest?.rootEntry.summ.size ?? 0,
    storedBytes: directoryBytes(programs.repository) - before,
    contents: await programs.contentTotals(),
    seconds: run.seconds,
    peakMemoryBytes: run.peakMemoryBytes,
  };
}

async function restoreAndCompare(
  programs: Programs,
  options: DemoOptions,
  data: string,
): Promise<readonly string[]> {
  const target = join(options.workDirectory, "restored");
  mkdirSync(target);
  const run = await programs.mover("restore", {
    DATA_DIR: target,
    KOPIA_SOURCE_PATH_OVERRIDE: data,
  });
  const { differences, ...counts } = compareTrees(data, target);
  options.write(
    `   ${counts.fileCount} files, ${counts.directoryCount} directories, ${counts.linkCount} links, ` +
      `${formatBytes(counts.totalBytes)} in ${run.seconds.toFixed(1)} s: ${differences.length} difference(s)`,
  );
  return differences;
}

async function runRetention(
  programs: Programs,
  data: string,
  write: (line: string) => void,
): Promise<readonly string[]> {
  // Only `latest` counts here: the other periods of the default policy are set to nothing.
  const retain = {
    KOPIA_RETAIN_LATEST: String(KEEP_LATEST),
    KOPIA_RETAIN_HOURLY: "0",
    KOPIA_RETAIN_DAILY: "0",
    KOPIA_RETAIN_WEEKLY: "0",
    KOPIA_RETAIN_MONTHLY: "0",
    KOPIA_RETAIN_YEARLY: "0",
  };
  for (let round = 2; round < 2 + RETENTION_ROUNDS; round++) {
    changeFiles(data, round);
    await programs.mover("backup", retain);
  }
  const kept = await programs.snapshots();
  write(`   ${kept.length} snapshots are left`);
  await programs.kopia("snapshot", "list", "--all");
  return kept.length === KEEP_LATEST
    ? []
    : [`retention kept ${kept.length} snapshots instead of ${KEEP_LATEST}`];
}

function describeChanges({ changed, added, removed, renamed }: ChangeCounts): string {
  return `${changed} changed, ${added} added, ${removed} removed, ${renamed} renamed`;
}
