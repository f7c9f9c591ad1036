import { formatGoTime } from "@kopia-engine/kopia-format";
import { type SnapshotManifest, formatSource } from "@kopia-engine/snapshotter";
import type { MoverLog } from "../log/mover-log.ts";

/** The operator keeps the last 1024 bytes; header, lines and footer must fit (spec 4 §2.11). */
const MAX_BLOCK_BYTES = 900;
const KEPT_BYTES = 1024;
const HEADER = "=== Discovery Mode: Available Snapshots ===";
const FOOTER = "=== End Discovery Mode ===";

/** What the operator takes for the identity that was asked for, then the block with those that exist. */
export function printDiscovery(
  all: readonly SnapshotManifest[],
  wanted: string,
  log: MoverLog,
): void {
  const newestFirst = newest(all);
  for (const [identity, snapshots] of byIdentity(newestFirst))
    log.plain(
      `${identity} - Last snapshot: ${formatGoTime(snapshots[0]?.endTime ?? 0n)} (Available Snapshots: ${snapshots.length})`,
    );
  log.plain(`No snapshots found for ${wanted}`);
  printBlock(newestFirst, MAX_BLOCK_BYTES, log);
}

/**
 * After a restore that failed: the block alone, as long as the operator keeps it together with the cause, which
 * stands right before it (spec 4 §2.8 step 8, §2.11).
 */
export function printDiscoveryAfterFailure(
  all: readonly SnapshotManifest[],
  causeBytes: number,
  log: MoverLog,
): void {
  printBlock(newest(all), Math.min(MAX_BLOCK_BYTES, KEPT_BYTES - causeBytes), log);
}

function newest(all: readonly SnapshotManifest[]): SnapshotManifest[] {
  return all.toSorted((a, b) => (a.startTime < b.startTime ? 1 : -1));
}

/**
 * The block that the operator parses for identities that exist (spec 4 §2.8, §2.11): the newest snapshot of
 * every identity first, then older ones while they fit.
 */
function printBlock(
  newestFirst: readonly SnapshotManifest[],
  maxBytes: number,
  log: MoverLog,
): void {
  log.plain(HEADER);
  if (newestFirst.length === 0) log.plain("No snapshots found in the repository");
  for (const line of fittingLines(newestFirst, maxBytes)) log.plain(line);
  log.plain(FOOTER);
}

function fittingLines(newestFirst: readonly SnapshotManifest[], maxBytes: number): string[] {
  const firsts = [...byIdentity(newestFirst).values()].flatMap((snapshots) =>
    snapshots.slice(0, 1),
  );
  const rest = newestFirst.filter((snapshot) => !firsts.includes(snapshot));
  let left = maxBytes - HEADER.length - FOOTER.length - 2;
  const lines: string[] = [];
  for (const snapshot of [...firsts, ...rest]) {
    const line = jsonLine(snapshot);
    left -= Buffer.byteLength(line) + 1;
    if (left < 0) break;
    lines.push(line);
  }
  return lines;
}

function jsonLine({ id, source, startTime, endTime }: SnapshotManifest): string {
  return JSON.stringify({
    id,
    userName: source.userName,
    hostName: source.host,
    path: source.path,
    startTime: formatGoTime(startTime),
    endTime: formatGoTime(endTime),
  });
}

function byIdentity(
  snapshots: readonly SnapshotManifest[],
): ReadonlyMap<string, readonly SnapshotManifest[]> {
  return Map.groupBy(snapshots, ({ source }) => formatSource(source));
}
