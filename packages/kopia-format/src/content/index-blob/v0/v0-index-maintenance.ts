import type { Bytes } from "../../../base/bytes.ts";
import type { Clock, TimeNs } from "../../../base/clock.ts";
import { KopiaError, isKopiaError } from "../../../base/errors.ts";
import type { RandomBytes } from "../../../base/random.ts";
import { releaseBytes } from "../../../base/release-bytes.ts";
import type { BlobId, BlobMetadata, BlobStorage } from "../../../blob/storage.ts";
import type { ContentId } from "../../content-entry.ts";
import { buildIndexShards } from "../../index/build-index.ts";
import { CommittedIndex } from "../../index/committed-index.ts";
import { entryWins, rankOf } from "../../index/entry-order.ts";
import type { IndexReader } from "../../index/index-reader.ts";
import { MergedEntries } from "../../index/merged-entries.ts";
import { readEncryptedBlob, type BlobCrypto } from "../blob-crypto.ts";
import { encryptAndProve } from "../encrypt-and-prove.ts";
import { writeProven } from "../write-proven.ts";
import { hoursStoodStill } from "../../hours-stood-still.ts";
import { readIndexes, type CompactionResult } from "../epoch/compaction.ts";
import {
  V0_PREFIX,
  decodeCleanupLog,
  decodeCompactionLog,
  encodeCleanupLog,
  encodeCompactionLog,
  type CompactionLog,
} from "./compaction-log.ts";
import { planV0Compaction } from "./compaction-plan.ts";
import { withoutSuperseded } from "./v0-index-blob-manager.ts";

/** What upkeep of the older scheme works with. */
export interface V0IndexMaintenanceOptions {
  readonly storage: BlobStorage;
  readonly crypto: BlobCrypto;
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** The repository's `indexVersion`. */
  readonly indexVersion: number;
  /** The repository's `maxPackSize`: larger index blobs are left alone. */
  readonly maxPackSizeBytes: number;
  /** Smaller in tests only. */
  readonly maxEntriesPerShard?: number;
}

/** What a compaction is to do. */
export interface V0CompactionOptions {
  /** Fewer candidates than this: nothing to do. 8 in quick maintenance, 1 in full (spec 1 §8.3). */
  readonly maxSmallBlobs: number;
  /** Takes index blobs of every size. Default false. */
  readonly allIndexes?: boolean;
  /** Entries that were deleted before this time, in Unix seconds, are dropped. */
  readonly dropDeletedBeforeSeconds?: number;
  /** Contents that are dropped, whatever their entry says. */
  readonly dropContents?: ReadonlySet<ContentId>;
  /** `none`: what is superseded goes at once; only where no other client is connected. Default `full`. */
  readonly safety?: "full" | "none";
}

/** How long what was superseded stays for clients that still know the state before. */
const SAFETY_AGE_NS = 3600n * 1_000_000_000n;
const RANDOM_SUFFIX_BYTES = 32;

/** An `m` blob as read. */
interface StoredLog extends CompactionLog {
  readonly id: BlobId;
  readonly timestamp: TimeNs;
}

/** Upkeep of the older index scheme (spec 1 §8.3), for the maintenance owner only. */
export class V0IndexMaintenance {
  private readonly options: V0IndexMaintenanceOptions;

  constructor(options: V0IndexMaintenanceOptions) {
    this.options = options;
  }

  /**
   * Merges small index blobs into one, and removes what earlier compactions superseded long enough ago.
   * Every entry that is not to be dropped is proven to be in the bytes that were read back, before
   * the log makes them count. What was written is removed again when that fails, or came so late that others may
   * have removed what it names: in this scheme an index blob counts as soon as it is there, and an entry that
   * another compaction has dropped meanwhile would come back.
   * @returns `undefined` when there is nothing to do.
   * @throws KopiaError `INDEX_CORRUPT`, `EPOCH_EXPIRED` when the machine slept in the middle, and storage errors.
   */
  async compact(options: V0CompactionOptions): Promise<CompactionResult | undefined> {
    const { storage, clock, maxPackSizeBytes } = this.options;
    const startTime = clock.now();
    const indexes = await listAll(storage, V0_PREFIX.index);
    const active = withoutSuperseded(indexes, await this.readLogs());
    const inputs = planV0Compaction(active, {
      maxPackSizeBytes,
      maxSmallBlobs: options.maxSmallBlobs,
      allIndexes: options.allIndexes ?? false,
    });
    const drops =
      (options.dropContents?.size ?? 0) > 0 || options.dropDeletedBeforeSeconds !== undefined;
    if (inputs.length === 0 || (inputs.length === 1 && !drops)) return undefined;
    const result = await this.merge(inputs, startTime, options);
    const log = await this.putEncrypted(
      V0_PREFIX.compactionLog,
      encodeCompactionLog(result.inputs, result.outputs),
    );
    const ageNs = options.safety === "none" ? 0n : SAFETY_AGE_NS;
    await this.removeSuperseded(log.timestamp, ageNs);
    await this.removeLogs(ageNs);
    return result;
  }

  private async merge(
    inputs: readonly BlobMetadata[],
    startTime: TimeNs,
    options: V0CompactionOptions,
  ): Promise<CompactionResult> {
    const readers = await readIndexes(this.options, inputs);
    const { shards, contentCount } = this.mergeProven(readers, options);
    for (const { bytes } of readers) releaseBytes(bytes);
    const { storage, crypto, clock } = this.options;
    assertInTime(clock, startTime);
    const outputs = await writeProven(
      {
        storage,
        crypto,
        name: { prefix: V0_PREFIX.index },
        assertMayStay: () => assertInTime(clock, startTime),
      },
      shards,
    );
    return { inputs, outputs, contentCount };
  }

  private mergeProven(
    readers: readonly IndexReader[],
    drops: Drops,
  ): { readonly shards: readonly Bytes[]; readonly contentCount: number } {
    const { indexVersion: version, random, maxEntriesPerShard } = this.options;
    // Dropping comes after merging: a dropped entry must not uncover an older one.
    const entries = new MergedEntries(readers, (reader, at) => !isDroppedAt(reader, at, drops));
    const randomSuffix = random(RANDOM_SUFFIX_BYTES);
    const shards = buildIndexShards(entries, {
      version,
      randomSuffix,
      ...(maxEntriesPerShard === undefined ? {} : { maxEntriesPerShard }),
    });
    proveKept(readers, shards, drops);
    return { shards, contentCount: entries.size };
  }

  private async putEncrypted(prefix: string, payload: Uint8Array): Promise<BlobMetadata> {
    const { id, data } = encryptAndProve(this.options.crypto, { prefix }, payload);
    const written = await this.options.storage.put(id, data);
    releaseBytes(data);
    return written;
  }

  /**
   * Deletes the inputs of logs that are old enough, oldest first, and schedules the logs themselves.
   * More careful than the original: inputs whose outputs are nowhere stay, since they count again then.
   */
  private async removeSuperseded(now: TimeNs, ageNs: bigint): Promise<void> {
    const { storage } = this.options;
    const present = new Set((await listAll(storage, V0_PREFIX.index)).map(({ id }) => id));
    const logs = await this.readLogs();
    const replaced = new Set<BlobId>();
    // Newest first, so that outputs which a later compaction took in are known as replaced.
    for (const log of logs.toSorted((a, b) => (a.timestamp > b.timestamp ? -1 : 1))) {
      if (!log.outputIds.every((id) => present.has(id) || replaced.has(id))) continue;
      for (const id of log.inputIds) replaced.add(id);
    }
    const due = logs
      .filter((log) => log.timestamp <= now - ageNs)
      .filter((log) => log.inputIds.every((id) => replaced.has(id) || !present.has(id)))
      .sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
    if (due.length === 0) return;
    for (const { inputIds } of due) {
      for (const id of inputIds) if (present.delete(id)) await storage.delete(id);
    }
    const cleanup = { blobIds: due.map(({ id }) => id), scheduledAt: now };
    await this.putEncrypted(V0_PREFIX.cleanupLog, encodeCleanupLog(cleanup));
  }

  /** Deletes logs whose cleanup was scheduled long enough before the newest cleanup log. */
  private async removeLogs(ageNs: bigint): Promise<void> {
    const { storage, crypto } = this.options;
    const cleanups = await listAll(storage, V0_PREFIX.cleanupLog);
    const newest = cleanups.reduce((max, { timestamp }) => (timestamp > max ? timestamp : max), 0n);
    for (const { id } of cleanups) {
      const cleanup = decodeCleanupLog(await readEncryptedBlob(storage, crypto, id), id);
      if (newest - cleanup.scheduledAt < ageNs) continue;
      for (const logId of cleanup.blobIds) {
        if (logId.startsWith(V0_PREFIX.compactionLog)) await storage.delete(logId);
      }
      await storage.delete(id);
    }
  }

  private async readLogs(): Promise<StoredLog[]> {
    const { storage, crypto } = this.options;
    const logs: StoredLog[] = [];
    for (const { id, timestamp } of await listAll(storage, V0_PREFIX.compactionLog)) {
      try {
        const payload = await readEncryptedBlob(storage, crypto, id);
        logs.push({ ...decodeCompactionLog(payload, id), id, timestamp });
      } catch (error) {
        // A log that vanished since it was listed: its inputs are gone as well.
        if (!isKopiaError(error, "BLOB_NOT_FOUND")) throw error;
      }
    }
    return logs;
  }
}

function assertInTime(clock: Clock, startTime: TimeNs): void {
  const hours = hoursStoodStill(clock, startTime);
  if (hours === undefined) return;
  throw new KopiaError(
    "EPOCH_EXPIRED",
    `a compaction of index blobs stood still for ${hours} hours: others may have dropped what it was about to write; ` +
      "nothing of it stays, run it again",
  );
}

async function listAll(storage: BlobStorage, prefix: string): Promise<BlobMetadata[]> {
  const blobs: BlobMetadata[] = [];
  for await (const blob of storage.list(prefix)) blobs.push(blob);
  return blobs;
}

interface Drops {
  readonly dropDeletedBeforeSeconds?: number;
  readonly dropContents?: ReadonlySet<ContentId>;
}

function isDropped(
  entry: {
    readonly contentId: ContentId;
    readonly deleted: boolean;
    readonly timestampSeconds: number;
  },
  { dropContents, dropDeletedBeforeSeconds }: Drops,
): boolean {
  if (dropContents?.has(entry.contentId) === true) return true;
  return (
    dropDeletedBeforeSeconds !== undefined &&
    entry.deleted &&
    entry.timestampSeconds < dropDeletedBeforeSeconds
  );
}

function isDroppedAt(reader: IndexReader, position: number, drops: Drops): boolean {
  // Without drops, nothing is made of the entry.
  if (drops.dropContents === undefined && !reader.isDeletedAt(position)) return false;
  return isDropped(reader.entryAt(position), drops);
}

function proveKept(inputs: readonly IndexReader[], shards: readonly Bytes[], drops: Drops): void {
  const output = new CommittedIndex();
  output.add(shards.map((bytes, i) => ({ blobId: `compaction shard ${i}`, bytes })));
  const merged = new CommittedIndex();
  merged.add(inputs.map((reader) => ({ blobId: reader.blobId, bytes: reader.bytes })));
  for (const reader of inputs) {
    for (let position = 0; position < reader.entryCount; position++) {
      const id = reader.contentIdAt(position);
      const winner = merged.lookup(id);
      if (winner !== undefined && isDropped(winner, drops)) continue;
      const found = output.lookup(id);
      if (found !== undefined && !entryWins(rankOf(reader, position), found)) continue;
      throw new KopiaError(
        "INDEX_CORRUPT",
        `a compaction would lose content ${id} of index blob ${reader.blobId}; nothing was written`,
        { details: { blobId: reader.blobId, contentId: id } },
      );
    }
  }
}
