import { type Repository, type TimeNs, localTimeZone } from "@kopia-engine/kopia-format";
import {
  computeRetention,
  formatSource,
  getEffectivePolicy,
  resolveObjectPath,
  type DirectoryEntry,
  type DirectorySummary,
  type SnapshotManifest,
  type Source,
  type SourceSnapshots,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { fileModeText } from "../../output/file-mode.ts";
import { compressionPercent } from "../../output/percent.ts";
import { timestamp } from "../../output/timestamps.ts";
import { entryPhrase } from "../../session/kopia-phrases.ts";
import type { ListFlagValues } from "./list-flags.ts";
import { shortReasons } from "./reason-ranges.ts";
import { StorageStatsCounter, type StorageStats } from "./storage-stats.ts";

const NO_SNAPSHOTS = "No snapshots found. Pass --all to show snapshots from all users/hosts.\n";

/** What is to be printed. */
export interface SnapshotGroups {
  readonly repository: Repository;
  readonly groups: readonly SourceSnapshots[];
  readonly flags: ListFlagValues;
  /** The path that was asked for, where it may lie inside the snapshots. */
  readonly wanted: Source | undefined;
}

/** One line of the list before it is put into words. */
interface Row {
  readonly startTime: TimeNs;
  readonly snapshot: SnapshotManifest;
  readonly entry: DirectoryEntry;
  readonly stats: StorageStats | undefined;
  readonly deltaBytes: bigint;
  reasons: string[];
  pins: string[];
  identicalCount: number;
  lastIdenticalTime: TimeNs;
}

/** Prints the list for people (spec 2 §9.3). */
export async function printSnapshotGroups(
  context: CommandContext,
  input: SnapshotGroups,
): Promise<void> {
  const { out } = context;
  const { username, hostname } = input.repository.client;
  let shownCount = 0;
  let hiddenCount = 0;
  for (const group of input.groups) {
    const { source } = group;
    if (!input.flags.all && (source.userName !== username || source.host !== hostname)) {
      hiddenCount++;
      continue;
    }
    out.write(shownCount === 0 ? "" : "\n");
    shownCount++;
    out.line(formatSource(source));
    await printGroup(context, input, group);
    await out.settle();
  }
  if (shownCount === 0 && hiddenCount > 0) context.log.info(NO_SNAPSHOTS);
}

async function printGroup(
  context: CommandContext,
  input: SnapshotGroups,
  group: SourceSnapshots,
): Promise<void> {
  const { flags, repository } = input;
  const { policy } = await getEffectivePolicy(repository.manifests, group.source);
  const reasons = computeRetention(group.snapshots, policy.retention, localTimeZone());
  const decided = group.snapshots.map((snapshot, index) => ({
    snapshot,
    reasons: reasons[index] ?? [],
  }));
  if (flags.reverse) decided.reverse();
  const shown = (flags.maxResults ?? 0) > 0 ? decided.slice(-(flags.maxResults ?? 0)) : decided;
  const counter = flags.storageStats ? new StorageStatsCounter(repository) : undefined;
  let row: Row | undefined;
  let lastSizeBytes = 0n;
  const finish = (): void => {
    if (row !== undefined) printRow(context, row, flags);
    row = undefined;
  };
  for (const { snapshot, reasons } of shown) {
    if (snapshot.incompleteReason !== "" && !flags.incomplete) continue;
    let entry: DirectoryEntry;
    try {
      entry = await shownEntry(input, snapshot);
    } catch (error) {
      finish();
      const time = timestamp(context, snapshot.startTime);
      context.out.line(`  ${time} <ERROR> ${entryPhrase(error)}`);
      continue;
    }
    const stats = counter === undefined ? undefined : await counter.add(entry);
    if (!flags.showIdentical && row?.entry.objectId === entry.objectId) {
      row.identicalCount++;
      row.lastIdenticalTime = snapshot.startTime;
      row.reasons.push(...reasons);
      row.pins.push(...snapshot.pins);
      continue;
    }
    finish();
    row = {
      startTime: snapshot.startTime,
      snapshot,
      entry,
      stats,
      // Directories have no size of their own here, as in Kopia: their growth is never shown.
      deltaBytes: entry.type === "d" ? 0n : entry.sizeBytes - lastSizeBytes,
      reasons: [...reasons],
      pins: [...snapshot.pins],
      identicalCount: 0,
      lastIdenticalTime: snapshot.startTime,
    };
    if (entry.type !== "d") lastSizeBytes = entry.sizeBytes;
  }
  finish();
}

/** The root of a snapshot, or the entry inside it that was asked for. */
async function shownEntry(
  { repository, wanted }: SnapshotGroups,
  snapshot: SnapshotManifest,
): Promise<DirectoryEntry> {
  const { path } = snapshot.source;
  const inside = wanted === undefined ? "" : wanted.path.slice(path.length).replace(/^\//, "");
  if (inside !== "") return (await resolveObjectPath(repository, `${snapshot.id}/${inside}`)).entry;
  if (snapshot.rootEntry === undefined) throw new Error("the snapshot has no root");
  return snapshot.rootEntry;
}

function printRow(context: CommandContext, row: Row, flags: ListFlagValues): void {
  const { out, style } = context;
  const time = timestamp(context, row.startTime);
  const line = `  ${time} ${row.entry.objectId} ${rowBits(context, row, flags).join(" ")}\n`;
  out.write(fatalErrorCount(row) > 0 ? style.error(line) : line);
  if (row.identicalCount > 0) {
    const until = timestamp(context, row.lastIdenticalTime);
    out.line(`  + ${row.identicalCount} identical snapshots until ${until}`);
  }
}

function rowBits(context: CommandContext, row: Row, flags: ListFlagValues): readonly string[] {
  const { entry, snapshot } = row;
  const summary = summaryOf(entry);
  const size = flags.humanReadable
    ? context.formatBytes
    : (lengthBytes: number | bigint) => String(lengthBytes);
  const bits: string[] = [];
  if (snapshot.incompleteReason !== "") bits.push(`incomplete:${snapshot.incompleteReason}`);
  bits.push(size(summary === undefined ? entry.sizeBytes : summary.totalFileSizeBytes));
  bits.push(fileModeText(entry));
  if (flags.owner) bits.push(`uid:${entry.uid} gid:${entry.gid}`);
  if (flags.mtime) bits.push(`modified:${timestamp(context, entry.modTime)}`);
  if (flags.manifestId) bits.push(`manifest:${snapshot.id}`);
  if (flags.delta) bits.push(row.deltaBytes > 0n ? `(+${size(row.deltaBytes)})` : "");
  if (summary !== undefined) {
    bits.push(`files:${summary.fileCount}`, `dirs:${summary.directoryCount}`);
    if (fatalErrorCount(row) > 0) bits.push(`errors:${fatalErrorCount(row)}`);
  }
  if (row.stats !== undefined) bits.push(...statsBits(row.stats, size));
  if (flags.retention && row.reasons.length > 0)
    bits.push(`(${shortReasons(row.reasons).join(",")})`);
  const pins = [...new Set(row.pins)].sort();
  if (pins.length > 0) bits.push(`pins:${pins.join(",")}`);
  return bits;
}

/** The summary of a single file says nothing that its own attributes do not say. */
function summaryOf(entry: DirectoryEntry): DirectorySummary | undefined {
  return entry.type === "d" ? entry.summary : undefined;
}

function fatalErrorCount({ entry }: Row): number {
  return summaryOf(entry)?.fatalErrorCount ?? 0;
}

function statsBits(
  { newData }: StorageStats,
  size: (lengthBytes: number | bigint) => string,
): readonly string[] {
  const saved = compressionPercent(newData.originalContentBytes, newData.packedContentBytes);
  return [
    `new-data:${size(newData.packedContentBytes)}`,
    `new-files:${newData.fileObjects}`,
    `new-dirs:${newData.dirObjects}`,
    `compression:${saved}`,
  ];
}
