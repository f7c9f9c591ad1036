import type { Bytes } from "../base/bytes.ts";
import { NS_PER_MS, type Clock, type TimeNs } from "../base/clock.ts";
import { isKopiaError, type KopiaError } from "../base/errors.ts";
import type { BlobId, BlobMetadata } from "../blob/storage.ts";
import { CommittedIndex } from "./index/committed-index.ts";
import type { ActiveIndexBlobs, IndexBlobManager } from "./index-blob/index-blob-manager.ts";

/** Attempts to load an active set whose blobs are deleted meanwhile (spec 1 §8.2 step 2). */
const MAX_ATTEMPTS = 10;
/** Wait before the second attempt; doubles from there. */
const FIRST_WAIT_MS = 100;
/** Index blobs fetched at once. */
const PARALLEL_FETCHES = 8;
/** Larger ones are fetched one after the other. */
const LARGE_BLOB_BYTES = 2 ** 22;

/**
 * Keeps the committed index in step with the storage (spec 1 §8.2). One `CommittedIndex` lives through
 * all reloads; a reload that fails leaves it as it was.
 */
export class IndexLoader {
  readonly index = new CommittedIndex();
  readonly #manager: IndexBlobManager;
  readonly #clock: Clock;
  readonly #onUnreadable: ((blobId: BlobId, error: KopiaError) => void) | undefined;
  /** Damaged blobs that were left out. */
  readonly #unreadable = new Map<BlobId, KopiaError>();
  /** When the listing behind the index began. */
  #loadedAt: TimeNs | undefined;
  /** Views that must not change by age. */
  #holdCount = 0;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  /** Own blobs that a listing now under way may not have seen. */
  readonly #addedWhileLoading = new Set<BlobId>();
  #blobs = new Map<BlobId, BlobMetadata>();

  /** @param options `onUnreadable` leaves damaged index blobs out and reports each once; else they are errors. */
  constructor(
    manager: IndexBlobManager,
    options: {
      readonly clock: Clock;
      readonly onUnreadable?: ((blobId: BlobId, error: KopiaError) => void) | undefined;
    },
  ) {
    this.#manager = manager;
    this.#clock = options.clock;
    this.#onUnreadable = options.onUnreadable;
  }

  /** An error of a damaged index blob that was left out; `undefined` when the index is whole. */
  get damage(): KopiaError | undefined {
    return this.#unreadable.values().next().value;
  }

  /** Age of the index in milliseconds; `Infinity` before the first load. */
  ageMs(now: TimeNs): number {
    if (this.#loadedAt === undefined) return Infinity;
    return Number((now - this.#loadedAt) / NS_PER_MS);
  }

  /** The index blobs in use. */
  blobs(): readonly BlobMetadata[] {
    return [...this.#blobs.values()];
  }

  /**
   * Loads the active set as the storage has it now. Calls during a load share the one after it, since
   * the running one may have listed the storage before.
   */
  load(): Promise<void> {
    if (this.#running === undefined) {
      this.#running = this.#load().finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#queued ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#queued = undefined;
        return this.load();
      });
    return this.#queued;
  }

  /** Keeps age from loading the index again until the result is called; `load` still does. */
  hold(): () => void {
    let isHeld = true;
    this.#holdCount++;
    return () => {
      if (isHeld) this.#holdCount--;
      isHeld = false;
    };
  }

  /** Loads when the index is older than `maxAgeMs` and nobody holds it. */
  async loadIfOlder(maxAgeMs: number): Promise<void> {
    if (this.#holdCount > 0) return;
    if (this.ageMs(this.#clock.now()) > maxAgeMs) await (this.#running ?? this.load());
  }

  /** Takes over the index blobs of an own flush without listing (spec 1 §9.4). */
  addOwn(blobs: readonly BlobMetadata[], indexes: readonly Uint8Array[]): void {
    this.index.add(blobs.map((blob, i) => ({ blobId: blob.id, bytes: indexes[i] as Uint8Array })));
    for (const blob of blobs) {
      this.#blobs.set(blob.id, blob);
      if (this.#running !== undefined) this.#addedWhileLoading.add(blob.id);
    }
  }

  async #load(): Promise<void> {
    this.#addedWhileLoading.clear();
    const fetched = new Map<BlobId, Bytes>();
    for (let attempt = 1; ; attempt++) {
      const startedAt = this.#clock.now();
      // A view that the scheme still holds valid may be 20 minutes old; the index must not be.
      this.#manager.invalidate();
      const active = await this.#manager.listActive();
      try {
        await this.#fetchMissing(active, fetched);
      } catch (error) {
        if (!isKopiaError(error, "BLOB_NOT_FOUND") || attempt === MAX_ATTEMPTS) throw error;
        await this.#clock.sleep(FIRST_WAIT_MS * 2 ** (attempt - 1));
        continue;
      }
      await this.#adopt(active, fetched);
      this.#loadedAt = startedAt;
      return;
    }
  }

  async #fetchMissing(active: ActiveIndexBlobs, fetched: Map<BlobId, Bytes>): Promise<void> {
    const wanted = active.blobs.filter(
      ({ id }) => !this.index.hasBlob(id) && !fetched.has(id) && !this.#unreadable.has(id),
    );
    const fetch = async ({ id }: BlobMetadata): Promise<void> =>
      await this.#orLeaveOut(id, async () => {
        fetched.set(id, await this.#manager.readIndexBlob(id));
      });
    // What is on its way is in memory beside what is there.
    for (const blob of wanted) if (blob.lengthBytes >= LARGE_BLOB_BYTES) await fetch(blob);
    const small = wanted.filter(({ lengthBytes }) => lengthBytes < LARGE_BLOB_BYTES);
    let next = 0;
    const fetchNext = async (): Promise<void> => {
      while (next < small.length) await fetch(small[next++] as BlobMetadata);
    };
    const fetchers = Array.from({ length: Math.min(PARALLEL_FETCHES, small.length) }, fetchNext);
    await Promise.all(fetchers);
  }

  async #adopt(active: ActiveIndexBlobs, fetched: ReadonlyMap<BlobId, Bytes>): Promise<void> {
    const added = active.blobs.flatMap(({ id }) => {
      const bytes = fetched.get(id);
      return bytes === undefined ? [] : [{ blobId: id, bytes }];
    });
    if (this.#onUnreadable === undefined) this.index.add(added);
    else
      for (const blob of added) await this.#orLeaveOut(blob.blobId, () => this.index.add([blob]));
    const blobs = new Map(active.blobs.map((blob) => [blob.id, blob]));
    for (const id of this.#addedWhileLoading) {
      blobs.set(id, blobs.get(id) ?? (this.#blobs.get(id) as BlobMetadata));
    }
    this.index.retain(new Set(blobs.keys()));
    // It never moves back (spec 1 §8.4.7), whatever a listing shows.
    const { watermarkSeconds } = active;
    if (watermarkSeconds > this.index.watermarkSeconds) {
      this.index.watermarkSeconds = watermarkSeconds;
    }
    this.#blobs = blobs;
  }

  async #orLeaveOut(blobId: BlobId, load: () => void | Promise<void>): Promise<void> {
    try {
      await load();
    } catch (error) {
      if (this.#onUnreadable === undefined || !isKopiaError(error, "INDEX_CORRUPT")) throw error;
      this.#unreadable.set(blobId, error);
      this.#onUnreadable(blobId, error);
    }
  }
}
