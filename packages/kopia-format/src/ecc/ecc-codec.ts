import type { Bytes } from "../base/bytes.ts";
import { crc32 } from "../base/crc32.ts";
import { KopiaError } from "../base/errors.ts";
import { type EccParameters, SMALL_CASE, eccParameters } from "./ecc-parameters.ts";
import { ReedSolomon } from "./reed-solomon.ts";

/** Name of the one error correction algorithm. */
export const REED_SOLOMON_CRC32 = "REED-SOLOMON-CRC32";

const LENGTH_BYTES = 4;
const CRC_BYTES = 4;

/** A decoded message and how many of its shards had to be rebuilt. */
export interface EccDecoded {
  readonly message: Bytes;
  readonly repairedShardCount: number;
}

/** How one message is laid out (spec 1 §11.2). */
interface Layout {
  readonly code: ReedSolomon;
  readonly blockCount: number;
  readonly shardBytes: number;
  /** Small and middle case: all shards are stored whole. */
  readonly paddingStored: boolean;
}

/**
 * `REED-SOLOMON-CRC32` (spec 1 §11): parity shards first, then data shards, each behind the CRC-32 that
 * tells whether it can be trusted. Synchronous; one instance serves a repository.
 */
export class EccCodec {
  readonly #parameters: EccParameters;
  readonly #smallLimitBytes: number;
  #smallCode: ReedSolomon | undefined;
  #fullCode: ReedSolomon | undefined;

  /** @throws KopiaError `FORMAT_INVALID_PARAMETER` outside 1 to 100 percent. */
  constructor(overheadPercent: number) {
    this.#parameters = eccParameters(overheadPercent);
    this.#smallLimitBytes =
      8 * (this.#parameters.dataShardCount + this.#parameters.parityShardCount);
  }

  /** Adds parity and checksums. */
  encode(message: Uint8Array): Bytes {
    const layout = this.#layoutForLength(message.length + LENGTH_BYTES);
    const { code, blockCount, shardBytes } = layout;
    const padded = new Uint8Array(blockCount * code.dataShardCount * shardBytes);
    new DataView(padded.buffer).setUint32(0, message.length);
    padded.set(message, LENGTH_BYTES);
    const storedDataBytes = layout.paddingStored
      ? blockCount * code.dataShardCount * (CRC_BYTES + shardBytes)
      : cutLength(message.length + LENGTH_BYTES, shardBytes);
    const parityBytes = blockCount * code.parityShardCount * (CRC_BYTES + shardBytes);
    const output = new Uint8Array(parityBytes + storedDataBytes);
    writeParity(output, padded, layout);
    writeData(output.subarray(parityBytes), padded, shardBytes);
    return output;
  }

  /**
   * Checks every shard, rebuilds what is damaged.
   * @throws KopiaError `CONTENT_CORRUPT` when more is damaged than can be rebuilt, or the length is impossible.
   */
  decode(stored: Uint8Array): EccDecoded {
    const layout = this.#layoutForStored(stored.length);
    const { code, blockCount, shardBytes } = layout;
    const unit = CRC_BYTES + shardBytes;
    const blockShards = code.dataShardCount + code.parityShardCount;
    const whole = new Uint8Array(blockCount * blockShards * unit);
    whole.set(stored.subarray(0, whole.length));
    const parityShards = shardViews(whole, 0, blockCount * code.parityShardCount, unit);
    const dataStart = parityShards.length * unit;
    const dataShards = shardViews(whole, dataStart, blockCount * code.dataShardCount, unit);
    let repairedShardCount = 0;
    for (let block = 0; block < blockCount; block++)
      repairedShardCount += repairBlock({
        code,
        block,
        parityShards,
        dataShards,
        dataStart,
        unit,
        storedBytes: stored.length,
      });
    return { message: joinMessage(dataShards, shardBytes), repairedShardCount };
  }

  #layoutForLength(lengthBytes: number): Layout {
    const { dataShardCount, maxShardBytes } = this.#parameters;
    if (lengthBytes <= this.#smallLimitBytes)
      return this.#layout({
        small: true,
        shardBytes: Math.ceil(lengthBytes / SMALL_CASE.dataShardCount),
      });
    if (lengthBytes <= dataShardCount * maxShardBytes)
      return this.#layout({ small: false, shardBytes: Math.ceil(lengthBytes / dataShardCount) });
    return this.#layout({
      small: false,
      shardBytes: maxShardBytes,
      blockCount: Math.ceil(lengthBytes / (dataShardCount * maxShardBytes)),
    });
  }

  /** The case is chosen from the stored length alone (spec 1 §11.3). */
  #layoutForStored(storedBytes: number): Layout {
    const { dataShardCount, parityShardCount, maxShardBytes } = this.#parameters;
    const smallest = 8 * (CRC_BYTES + Math.ceil(this.#smallLimitBytes / SMALL_CASE.dataShardCount));
    const blockBytes = (dataShardCount + parityShardCount) * (CRC_BYTES + maxShardBytes);
    const shardBytes = (shards: number): number =>
      Math.max(Math.ceil(storedBytes / shards), 5) - CRC_BYTES;
    if (storedBytes <= smallest) return this.#layout({ small: true, shardBytes: shardBytes(8) });
    if (storedBytes <= blockBytes)
      return this.#layout({
        small: false,
        shardBytes: shardBytes(dataShardCount + parityShardCount),
      });
    return this.#layout({
      small: false,
      shardBytes: maxShardBytes,
      blockCount: Math.ceil(storedBytes / blockBytes),
    });
  }

  #layout(shape: {
    readonly small: boolean;
    readonly shardBytes: number;
    readonly blockCount?: number;
  }): Layout {
    const code = shape.small
      ? (this.#smallCode ??= new ReedSolomon(
          SMALL_CASE.dataShardCount,
          SMALL_CASE.parityShardCount,
        ))
      : (this.#fullCode ??= new ReedSolomon(
          this.#parameters.dataShardCount,
          this.#parameters.parityShardCount,
        ));
    const { shardBytes, blockCount } = shape;
    return {
      code,
      shardBytes,
      blockCount: blockCount ?? 1,
      paddingStored: blockCount === undefined,
    };
  }
}

/** Stored bytes of the data part when padding is left out: the last shard is cut to what it holds. */
function cutLength(lengthBytes: number, shardBytes: number): number {
  return lengthBytes + Math.ceil(lengthBytes / shardBytes) * CRC_BYTES;
}

function writeParity(output: Uint8Array, padded: Uint8Array, layout: Layout): void {
  const { code, blockCount, shardBytes } = layout;
  const view = new DataView(output.buffer);
  const unit = CRC_BYTES + shardBytes;
  for (let block = 0; block < blockCount; block++) {
    const data = shardViews(
      padded,
      block * code.dataShardCount * shardBytes,
      code.dataShardCount,
      shardBytes,
    );
    const start = block * code.parityShardCount * unit;
    const parity = Array.from({ length: code.parityShardCount }, (_, index) =>
      output.subarray(start + index * unit + CRC_BYTES, start + (index + 1) * unit),
    );
    code.encode(data, parity);
    parity.forEach((shard, index) => view.setUint32(start + index * unit, crc32(shard)));
  }
}

function writeData(output: Uint8Array, padded: Uint8Array, shardBytes: number): void {
  const view = new DataView(output.buffer, output.byteOffset, output.length);
  for (let from = 0, to = 0; to < output.length; from += shardBytes, to += CRC_BYTES + shardBytes) {
    const shard = padded.subarray(from, from + shardBytes);
    view.setUint32(to, crc32(shard));
    output.set(shard.subarray(0, output.length - to - CRC_BYTES), to + CRC_BYTES);
  }
}

interface Block {
  readonly code: ReedSolomon;
  readonly block: number;
  /** All shards of the message, each behind its CRC. */
  readonly parityShards: readonly Uint8Array[];
  readonly dataShards: readonly Uint8Array[];
  readonly dataStart: number;
  readonly unit: number;
  readonly storedBytes: number;
}

/** Rebuilds the damaged data shards of one block; returns how many there were. */
function repairBlock(input: Block): number {
  const { code, block, unit } = input;
  const firstData = block * code.dataShardCount;
  const data = input.dataShards.slice(firstData, firstData + code.dataShardCount);
  // A shard that begins beyond the stored bytes is padding and counts as good.
  const dataGood = data.map(
    (shard, index) =>
      input.dataStart + (firstData + index) * unit >= input.storedBytes || isGood(shard),
  );
  const damaged = dataGood.filter((good) => !good).length;
  if (damaged === 0) return 0;
  const parity = input.parityShards.slice(
    block * code.parityShardCount,
    (block + 1) * code.parityShardCount,
  );
  const withoutCrc = (shard: Uint8Array): Uint8Array => shard.subarray(CRC_BYTES);
  const rebuilt = code.reconstruct(data.map(withoutCrc), parity.map(withoutCrc), [
    ...dataGood,
    ...parity.map(isGood),
  ]);
  if (!rebuilt)
    throw new KopiaError(
      "CONTENT_CORRUPT",
      `error correction: ${damaged} of ${data.length} shards of block ${block} are damaged, more than can be rebuilt`,
      { details: { block, damagedShardCount: damaged } },
    );
  return damaged;
}

function isGood(shard: Uint8Array): boolean {
  const stored = new DataView(shard.buffer, shard.byteOffset, CRC_BYTES).getUint32(0);
  return stored === crc32(shard.subarray(CRC_BYTES));
}

function joinMessage(dataShards: readonly Uint8Array[], shardBytes: number): Bytes {
  const joined = new Uint8Array(dataShards.length * shardBytes);
  dataShards.forEach((shard, index) => joined.set(shard.subarray(CRC_BYTES), index * shardBytes));
  const lengthBytes = joined.length < LENGTH_BYTES ? -1 : new DataView(joined.buffer).getUint32(0);
  if (lengthBytes < 0 || lengthBytes > joined.length - LENGTH_BYTES)
    throw new KopiaError(
      "CONTENT_CORRUPT",
      `error correction: the message length ${lengthBytes} does not fit its ${joined.length} bytes`,
    );
  return joined.slice(LENGTH_BYTES, LENGTH_BYTES + lengthBytes);
}

function shardViews(bytes: Uint8Array, start: number, count: number, unit: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(start + index * unit, start + (index + 1) * unit),
  );
}
