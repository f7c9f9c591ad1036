import {
  KopiaError,
  systemRandom,
  type ContentWriter,
  type RandomBytes,
  type TimeNs,
  type WriteSession,
  NS_PER_MS,
} from "@kopia-engine/kopia-format";
import type { LocalName } from "../fs/local-path.ts";
import { buildDirectory, type OwnFailure } from "../model/build-directory.ts";
import { writeDirectory } from "../model/directory-codec.ts";
import type { DirectoryEntry, DirectoryListing } from "../model/directory-entry.ts";
import type { IncompleteReason, SnapshotManifest } from "../model/snapshot-manifest.ts";
import { saveSnapshot } from "../model/snapshot-store.ts";
import type { PolicyTree } from "../policy/policy-tree.ts";
import { ActionSpan } from "./action-span.ts";
import type { ActionRunner } from "./action-runner.ts";
import {
  type DirectoryTask,
  relativeBytesOf,
  relativePathOf,
  toDirectoryEntry,
} from "./directory-task.ts";
import type { MatchedListing } from "./match-listing.ts";
import { isSameListing } from "./previous-directory.ts";
import { SettingsTable } from "./settings-table.ts";
import { UploadCounters, ZERO_STATS } from "./upload-counters.ts";
import type { UploadExecutor } from "./upload-executor.ts";
import type { UploadObserver } from "./upload-observer.ts";
import type { UploadBaseOptions } from "./upload-options.ts";

const MAX_CHECKPOINT_INTERVAL_MS = 45 * 60 * 1000;

/** What all parts of one upload share: session, counts, and why it should stop. */
export class UploadRun {
  readonly session: WriteSession;
  readonly counters = new UploadCounters();
  readonly settings: SettingsTable;
  readonly observer: UploadObserver;
  readonly startTime: TimeNs;
  readonly random: RandomBytes;
  readonly failFast: boolean;
  /** Batches, files or streams that are being read. */
  readingCount = 0;
  /** Why no more entries are taken in; empty while the upload goes on. */
  stopReason: IncompleteReason = "";
  readonly #options: UploadBaseOptions;
  readonly #checkpointIntervalNs: bigint;
  #nextCheckpoint: TimeNs;

  readonly #actions: ActionRunner | undefined;
  readonly #packedBefore: number;
  #executor: UploadExecutor | undefined;

  constructor(options: UploadBaseOptions & { readonly actions?: ActionRunner }, failFast: boolean) {
    this.#actions = options.actions;
    this.session = options.session;
    this.settings = new SettingsTable(options.session.repository.client);
    this.observer = options.observer ?? {};
    this.random = options.random ?? systemRandom;
    this.failFast = failFast;
    this.#options = options;
    this.#packedBefore = options.session.contents.stats().packedBytes;
    this.startTime = this.now();
    const intervalMs = Math.min(
      options.checkpointIntervalMs ?? MAX_CHECKPOINT_INTERVAL_MS,
      MAX_CHECKPOINT_INTERVAL_MS,
    );
    this.#checkpointIntervalNs = BigInt(Math.max(1, Math.round(intervalMs))) * NS_PER_MS;
    this.#nextCheckpoint = this.startTime + this.#checkpointIntervalNs;
  }

  get contents(): ContentWriter {
    return this.session.contents;
  }

  now(): TimeNs {
    return this.session.repository.clock.now();
  }

  /** The actions around a folder or the root; `undefined` where there are none or nobody runs them. */
  openSpan(options: ConstructorParameters<typeof ActionSpan>[1]): ActionSpan | undefined {
    const { before, after } = options.pair;
    if (this.#actions === undefined || (before === undefined && after === undefined)) return;
    const { observer, random } = this;
    return new ActionSpan({ runner: this.#actions, observer, random }, options);
  }

  /** The actions around a folder: those of its very own policy (spec 2 §8.4). */
  openFolderSpan(node: PolicyTree, sourcePath: string): ActionSpan | undefined {
    if (!node.isDefined) return undefined;
    const { beforeFolder: before, afterFolder: after } = node.policy.actions;
    return this.openSpan({ scope: "folder", pair: { before, after }, sourcePath });
  }

  /** Counts bytes that were read; false when the upload has to stop (spec 2 §7.8). */
  countReadBytes(lengthBytes: number): boolean {
    const { counters } = this;
    counters.hashedBytes += lengthBytes;
    const { uploadLimitBytes = 0 } = this.#options;
    if (uploadLimitBytes > 0 && counters.hashedBytes > uploadLimitBytes && this.stopReason === "") {
      this.stopReason = "limit reached";
    }
    return !this.shouldStop();
  }

  /** Whether the upload was cancelled or has reached its limit. */
  shouldStop(): boolean {
    if (this.stopReason === "" && this.#options.signal?.aborted === true) {
      this.stopReason = "canceled";
    }
    return this.stopReason !== "";
  }

  /** Lets timers, signals and finished storage operations have their turn, then reports progress. */
  async breathe(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.tellProgress();
  }

  /** From now on progress also tells what this executor does. */
  watch(executor: UploadExecutor): void {
    this.#executor = executor;
  }

  /** Tells where the upload is. @param isWorking false at the end, when nothing is being read any more. */
  tellProgress(isWorking = true): void {
    if (this.observer.progress === undefined) return;
    const { counters } = this;
    const { busyCount = 1, packedBytes = 0 } = this.#executor?.activity?.() ?? {};
    counters.hashingFileCount = isWorking && this.readingCount > 0 ? busyCount : 0;
    counters.uploadedBytes =
      this.session.contents.stats().packedBytes + packedBytes - this.#packedBefore;
    this.observer.progress(counters);
  }

  /**
   * Notes an entry that cannot be stored (spec 2 §7.8).
   * @throws KopiaError `UPLOAD_FAILED` with `failFast`.
   */
  fail(task: DirectoryTask, entry: LocalName, failure: Omit<OwnFailure, "path">): void {
    const path = relativePathOf(task, entry.name);
    const pathBytes = relativeBytesOf(task, entry);
    const { error, isIgnored } = failure;
    task.failures.push({
      path,
      ...(pathBytes === undefined ? {} : { pathBytes }),
      error,
      isIgnored,
    });
    if (isIgnored) this.counters.ignoredErrorCount++;
    else this.counters.fatalErrorCount++;
    this.observer.failed?.({ path, error, ignored: isIgnored });
    if (isIgnored || !this.failFast) return;
    throw new KopiaError("UPLOAD_FAILED", `${path}: ${error}`, { details: { path } });
  }

  /** Writes the listing of a directory with what is finished of it (spec 2 §7.2 step 5). */
  storeDirectory(
    task: DirectoryTask,
    incompleteReason: IncompleteReason,
    entries: readonly DirectoryEntry[] = task.entries,
  ): DirectoryEntry {
    const listing = buildDirectory({
      entries,
      modTime: task.local.modTime,
      failures: task.failures,
      incompleteReason,
    });
    const unchangedId = this.#unchangedObjectId(task, listing);
    if (unchangedId !== undefined) {
      const entry = toDirectoryEntry(task.local, { objectId: unchangedId, sizeBytes: 0 });
      return { ...entry, summary: listing.summary };
    }
    const writer = this.session.objects.createWriter(this.settings.forDirectory(task.node.policy));
    writeDirectory(listing, (piece) => writer.write(piece));
    const stored = { objectId: writer.finish(), sizeBytes: 0 };
    return { ...toDirectoryEntry(task.local, stored), summary: listing.summary };
  }

  /** Whether the index has a content, deleted or not. */
  hasContent(contentId: string): boolean {
    // The previous snapshot is in the committed index, whose answer needs no object.
    if (this.session.repository.contents.hasContent?.(contentId) === true) return true;
    return this.contents.getContentInfo(contentId) !== undefined;
  }

  /** Whether the index has the first content of every entry of a listing, deleted or not. */
  hasContents({ keys, keyLength }: Pick<MatchedListing, "keys" | "keyLength">): boolean {
    return this.session.repository.contents.hasContentKeys(keys, keyLength);
  }

  /**
   * The stored listing of the previous snapshot where the new one is the same: encoding it again would
   * give the same content. It must be one content that nobody has marked as deleted.
   */
  #unchangedObjectId(
    { unchanged }: DirectoryTask,
    listing: Required<DirectoryListing>,
  ): string | undefined {
    if (unchanged === undefined || !isSameListing(listing, unchanged.listing)) return undefined;
    return this.isReusableListing(unchanged.objectId) ? unchanged.objectId : undefined;
  }

  /** Whether a listing may be referred to again: one content that nobody has marked as deleted. */
  isReusableListing(objectId: string): boolean {
    if (!objectId.startsWith("k")) return false;
    return this.contents.getContentInfo(objectId)?.deleted === false;
  }

  /** Whether a checkpoint is due (spec 2 §7.10). */
  isCheckpointDue(): boolean {
    return this.now() >= this.#nextCheckpoint;
  }

  /** Saves a checkpoint with this root and makes it durable. */
  async saveCheckpoint(rootEntry: DirectoryEntry): Promise<void> {
    const manifest: SnapshotManifest = {
      ...this.manifestOf(rootEntry),
      incompleteReason: "checkpoint",
      stats: ZERO_STATS,
    };
    const { saveCheckpoint } = this.#options;
    if (saveCheckpoint === undefined) {
      await saveSnapshot(this.session.manifests, manifest);
      await this.session.flush();
    } else await saveCheckpoint(manifest);
    this.observer.checkpointSaved?.();
    this.#nextCheckpoint = this.now() + this.#checkpointIntervalNs;
  }

  /** The manifest of the snapshot as it stands; not saved. */
  manifestOf(rootEntry: DirectoryEntry): SnapshotManifest {
    return {
      id: "",
      source: this.#options.source,
      description: "",
      startTime: this.startTime,
      endTime: this.now(),
      stats: this.counters.toStats(),
      incompleteReason: this.stopReason,
      rootEntry,
      tags: {},
      pins: [],
    };
  }
}

/** Name of a partly uploaded file in a checkpoint: no real file matches it, so it is never reused as whole (spec 2 §7.10). */
export function checkpointName(name: string, random: RandomBytes): string {
  const bytes = random(16);
  // Version 4, variant 1 of RFC 9562.
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString("hex");
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ];
  return `.checkpointed.${name}.${groups.join("-")}`;
}
