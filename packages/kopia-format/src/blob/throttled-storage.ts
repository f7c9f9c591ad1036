import type { Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { Semaphore } from "../base/semaphore.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
} from "./storage.ts";
import { TokenBucket } from "./token-bucket.ts";
import { ForwardingStorage, withCommit } from "./forwarding-storage.ts";

/** What a whole-blob download takes before its length is known (spec 3 §5). */
const UNKNOWN_DOWNLOAD_BYTES = 20_000_000;

/** Limits as in the connection file (spec 3 §5). Zero and absent mean unlimited. */
export interface ThrottlingLimits {
  readonly readsPerSecond?: number;
  readonly writesPerSecond?: number;
  readonly listsPerSecond?: number;
  readonly maxUploadSpeedBytesPerSecond?: number;
  readonly maxDownloadSpeedBytesPerSecond?: number;
  readonly concurrentReads?: number;
  readonly concurrentWrites?: number;
}

interface Throttles {
  readonly reads: TokenBucket | undefined;
  readonly writes: TokenBucket | undefined;
  readonly lists: TokenBucket | undefined;
  readonly uploadBytes: TokenBucket | undefined;
  readonly downloadBytes: TokenBucket | undefined;
  readonly readSlots: Semaphore | undefined;
  readonly writeSlots: Semaphore | undefined;
}

/**
 * Slows operations down to limits. Get and metadata count as reads, put and delete as writes. A blob that is
 * written in pieces pays for its bytes, and takes its slot, when it is committed.
 */
export class ThrottledStorage extends ForwardingStorage {
  readonly #clock: Clock;
  #limits: ThrottlingLimits;
  #throttles: Throttles;

  /** @throws KopiaError ARGUMENT_INVALID for negative or non-finite limits */
  constructor(inner: BlobStorage, clock: Clock, limits: ThrottlingLimits) {
    super(inner);
    this.#clock = clock;
    this.#limits = limits;
    this.#throttles = buildThrottles(clock, limits);
  }

  get limits(): ThrottlingLimits {
    return this.#limits;
  }

  /** Changes the limits for operations that start from now on. @throws KopiaError ARGUMENT_INVALID */
  setLimits(limits: ThrottlingLimits): void {
    this.#throttles = buildThrottles(this.#clock, limits);
    this.#limits = limits;
  }

  override get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const { downloadBytes } = this.#throttles;
    return this.#read(async () => {
      const reservedBytes = range?.lengthBytes ?? UNKNOWN_DOWNLOAD_BYTES;
      await downloadBytes?.take(reservedBytes);
      const data = await this.inner.get(id, range);
      if (range === undefined) await settle(downloadBytes, reservedBytes - data.length);
      return data;
    });
  }

  override getMetadata(id: BlobId): Promise<BlobMetadata> {
    return this.#read(() => this.inner.getMetadata(id));
  }

  override put(id: BlobId, data: Uint8Array, options?: PutOptions): Promise<BlobMetadata> {
    return this.#write(data.length, () => this.inner.put(id, data, options));
  }

  override openWriter(id: BlobId): BlobWriter {
    const writer = this.inner.openWriter(id);
    return withCommit(writer, () => this.#write(writer.lengthBytes, () => writer.commit()));
  }

  override delete(id: BlobId): Promise<void> {
    return this.#write(0, () => this.inner.delete(id));
  }

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    await this.#throttles.lists?.take(1);
    yield* this.inner.list(prefix);
  }

  async #read<Result>(operation: () => Promise<Result>): Promise<Result> {
    const { reads, readSlots } = this.#throttles;
    await reads?.take(1);
    return readSlots === undefined ? operation() : readSlots.run(operation);
  }

  async #write<Result>(lengthBytes: number, operation: () => Promise<Result>): Promise<Result> {
    const { writes, writeSlots, uploadBytes } = this.#throttles;
    await writes?.take(1);
    if (lengthBytes > 0) await uploadBytes?.take(lengthBytes);
    return writeSlots === undefined ? operation() : writeSlots.run(operation);
  }
}

/** Gives the unused part of a reservation back, or pays what was missing from it. */
async function settle(bucket: TokenBucket | undefined, unusedBytes: number): Promise<void> {
  if (unusedBytes >= 0) bucket?.giveBack(unusedBytes);
  else await bucket?.take(-unusedBytes);
}

function buildThrottles(clock: Clock, limits: ThrottlingLimits): Throttles {
  for (const [name, value] of Object.entries(limits) as [string, number | undefined][]) {
    if (value === undefined || (Number.isFinite(value) && value >= 0)) continue;
    throw new KopiaError("ARGUMENT_INVALID", `${name} is ${value}: expected a number from 0 on`, {
      details: { option: name, value },
    });
  }
  const bucket = (rate = 0): TokenBucket | undefined =>
    rate > 0 ? new TokenBucket(clock, rate) : undefined;
  const slots = (count = 0): Semaphore | undefined =>
    count >= 1 ? new Semaphore(Math.floor(count)) : undefined;
  return {
    reads: bucket(limits.readsPerSecond),
    writes: bucket(limits.writesPerSecond),
    lists: bucket(limits.listsPerSecond),
    uploadBytes: bucket(limits.maxUploadSpeedBytesPerSecond),
    downloadBytes: bucket(limits.maxDownloadSpeedBytesPerSecond),
    readSlots: slots(limits.concurrentReads),
    writeSlots: slots(limits.concurrentWrites),
  };
}
