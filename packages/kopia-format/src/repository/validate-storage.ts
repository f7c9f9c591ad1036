import { bytesEqual, toHex } from "../base/bytes.ts";
import { NS_PER_MS, type Clock, type TimeNs } from "../base/clock.ts";
import { collectAsync } from "../base/collect-async.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";

const LARGE_BLOB_BYTES = 5_000_000;
const MAX_CONCURRENT_BLOB_BYTES = 1 << 20;
const MAX_CLOCK_SKEW_NS = 300_000n * NS_PER_MS;
/** A range in the middle, at the start and at the end of the large blob. */
const RANGES: readonly (readonly [number, number])[] = [
  [0, 10],
  [1, 100],
  [4_000_000, 50],
  [LARGE_BLOB_BYTES - 1, 1],
];

/** What is tried. */
export interface ValidateStorageOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  /** How long puts and gets run beside each other. */
  readonly concurrencyMs: number;
  readonly putWorkers: number;
  readonly getWorkers: number;
  readonly metadataWorkers: number;
  /** Told what is tried next. */
  readonly onStep: (text: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Tries on a real storage what Kopia repositories rely on (spec 3 §3.6), with blobs of a name of their own
 * that are removed again.
 * @param connections several openings of the same storage: what one writes the others must see at once.
 * @throws KopiaError `STORAGE_UNSUPPORTED` naming what does not hold, and storage errors.
 */
export async function validateStorage(
  connections: readonly BlobStorage[],
  options: ValidateStorageOptions,
): Promise<void> {
  const [storage] = connections;
  if (storage === undefined) throw new RangeError("there is no storage to validate");
  const trial = new StorageTrial(storage, connections, options);
  try {
    await trial.run();
    options.onStep("All good.");
  } finally {
    options.onStep("Cleaning up temporary data...");
    await trial.cleanUp();
  }
}

class StorageTrial {
  readonly #storage: BlobStorage;
  readonly #connections: readonly BlobStorage[];
  readonly #options: ValidateStorageOptions;
  /** No kind of blob begins with `z`: other clients ignore it. */
  readonly #prefix: string;

  constructor(
    storage: BlobStorage,
    connections: readonly BlobStorage[],
    options: ValidateStorageOptions,
  ) {
    this.#storage = storage;
    this.#connections = connections;
    this.#options = options;
    this.#prefix = `z${toHex(options.random(16))}`;
  }

  async run(): Promise<void> {
    const { onStep } = this.#options;
    onStep("Validating storage capacity and usage");
    await this.#checkCapacity();
    onStep("Validating blob list responses");
    await this.#checkList(this.#prefix, []);
    onStep("Validating non-existent blob responses");
    await this.#checkMissing(`${this.#prefix}1`);
    onStep(`Writing blob (${LARGE_BLOB_BYTES} bytes)`);
    const large = this.#options.random(LARGE_BLOB_BYTES);
    const before = this.#options.clock.now();
    await this.#storage.put(`${this.#prefix}1`, large);
    onStep("Validating list responses...");
    await this.#checkList(this.#prefix, [`${this.#prefix}1`]);
    await this.#checkList(`${this.#prefix}2`, []);
    onStep("Validating partial reads...");
    for (const [offsetBytes, lengthBytes] of RANGES) {
      const expected = large.subarray(offsetBytes, offsetBytes + lengthBytes);
      await this.#checkRead(`${this.#prefix}1`, expected, { offsetBytes, lengthBytes });
    }
    onStep("Validating full reads...");
    await this.#checkRead(`${this.#prefix}1`, large);
    onStep("Validating metadata...");
    await this.#checkMetadata(`${this.#prefix}1`, before);
    onStep(`Running concurrency test for ${this.#options.concurrencyMs / 1000}s...`);
    await this.#runConcurrently();
  }

  async cleanUp(): Promise<void> {
    for (const { id } of await collectAsync(this.#storage.list(this.#prefix)))
      await this.#storage.delete(id);
  }

  async #checkCapacity(): Promise<void> {
    const capacity = await this.#storage.capacity();
    if (capacity !== undefined && capacity.freeBytes > capacity.sizeBytes)
      throw failure("it reports more free space than it has", "its capacity");
  }

  async #checkList(prefix: string, expected: readonly string[]): Promise<void> {
    for (const storage of this.#connections) {
      const found = (await collectAsync(storage.list(prefix))).map(({ id }) => id);
      if (found.join() === expected.join()) continue;
      throw failure(`a list shows [${found.join()}] instead of [${expected.join()}]`, prefix);
    }
  }

  async #checkMissing(id: string): Promise<void> {
    const range = { offsetBytes: 0, lengthBytes: 1 };
    for (const call of [
      () => this.#storage.get(id),
      () => this.#storage.get(id, range),
      () => this.#storage.getMetadata(id),
    ]) {
      const error: unknown = await call().then(
        () => undefined,
        (reason: unknown) => reason,
      );
      if (!isKopiaError(error, "BLOB_NOT_FOUND"))
        throw failure("a blob that is not there is not told as missing", id);
    }
  }

  async #checkRead(
    id: string,
    expected: Uint8Array,
    range?: { readonly offsetBytes: number; readonly lengthBytes: number },
  ): Promise<void> {
    for (const storage of this.#connections) {
      if (bytesEqual(await storage.get(id, range), expected)) continue;
      const part = range === undefined ? "" : ` at ${range.offsetBytes}+${range.lengthBytes}`;
      throw failure(`it returns other bytes than were written${part}`, id);
    }
  }

  async #checkMetadata(id: string, before: TimeNs): Promise<void> {
    for (const storage of this.#connections) {
      const { lengthBytes, timestamp } = await storage.getMetadata(id);
      if (lengthBytes !== LARGE_BLOB_BYTES)
        throw failure(`it reports a length of ${lengthBytes} for ${LARGE_BLOB_BYTES} bytes`, id);
      const skew = timestamp > before ? timestamp - before : before - timestamp;
      if (skew > MAX_CLOCK_SKEW_NS)
        throw failure(`its clock differs from this one by ${skew / (1000n * NS_PER_MS)}s`, id);
    }
  }

  async #runConcurrently(): Promise<void> {
    const { clock, concurrencyMs, putWorkers, getWorkers, metadataWorkers } = this.#options;
    const deadline = clock.now() + BigInt(Math.round(concurrencyMs)) * NS_PER_MS;
    const blobs: { readonly id: string; readonly data: Uint8Array }[] = [];
    const repeat = async (worker: number, act: (worker: number) => Promise<void>) => {
      while (clock.now() < deadline) {
        this.#options.signal?.throwIfAborted();
        await act(worker);
        await clock.sleep(0);
      }
    };
    const workers = (count: number, act: (worker: number) => Promise<void>) =>
      Array.from({ length: count }, (_, worker) => repeat(worker, act));
    const choose = () => blobs[this.#randomBelow(Math.max(1, blobs.length))];
    await Promise.all([
      ...workers(putWorkers, async (worker) => {
        const id = `${this.#prefix}b${toHex(this.#options.random(8))}`;
        const data = this.#options.random(1 + this.#randomBelow(MAX_CONCURRENT_BLOB_BYTES));
        await this.#connection(worker).put(id, data);
        blobs.push({ id, data });
      }),
      ...workers(getWorkers, async (worker) => {
        const blob = choose();
        if (blob === undefined) return;
        if (!bytesEqual(await this.#connection(worker + 1).get(blob.id), blob.data))
          throw failure("it returns other bytes than were written", blob.id);
      }),
      ...workers(metadataWorkers, async (worker) => {
        const blob = choose();
        if (blob === undefined) return;
        const { lengthBytes } = await this.#connection(worker + 2).getMetadata(blob.id);
        if (lengthBytes !== blob.data.length)
          throw failure(`it reports a length of ${lengthBytes}`, blob.id);
      }),
    ]);
  }

  #connection(worker: number): BlobStorage {
    return this.#connections[worker % this.#connections.length] ?? this.#storage;
  }

  #randomBelow(limit: number): number {
    const bytes = this.#options.random(4);
    return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) % limit;
  }
}

function failure(what: string, place: string): KopiaError {
  return new KopiaError(
    "STORAGE_UNSUPPORTED",
    `this storage is not fit for a repository: ${what} (${place})`,
  );
}
