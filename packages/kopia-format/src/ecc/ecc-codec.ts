import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { type EccParameters, SMALL_CASE, eccParameters } from "./ecc-parameters.ts";
import { ReedSolomon } from "./reed-solomon.ts";
import { CRC_BYTES, fastestShardWork, type ShardWork, shardsOf } from "./shard-work.ts";

/** Name of the one error correction algorithm. */
export const REED_SOLOMON_CRC32 = "REED-SOLOMON-CRC32";

const LENGTH_BYTES = 4;
/** Blocks are worked on together up to so many bytes: few enough for the second-level cache. */
const BATCH_BYTES = 128 * 1024;

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
  readonly #work: ShardWork;
  #smallCode: ReedSolomon | undefined;
  #fullCode: ReedSolomon | undefined;

  /**
   * @param work who computes parity and checksums; the fastest that runs here when left out.
   * @throws KopiaError `FORMAT_INVALID_PARAMETER` outside 1 to 100 percent.
   */
  constructor(overheadPercent: number, work: ShardWork = fastestShardWork()) {
    this.#parameters = eccParameters(overheadPercent);
    this.#smallLimitBytes =
      8 * (this.#parameters.dataShardCount + this.#parameters.parityShardCount);
    this.#work = work;
  }

  /** Adds parity and checksums. */
  encode(message: Uint8Array): Bytes {
    const layout = this.#layoutForLength(message.length + LENGTH_BYTES);
    const { code, blockCount, shardBytes } = layout;
    const storedDataBytes = layout.paddingStored
      ? blockCount * code.dataShardCount * (CRC_BYTES + shardBytes)
      : cutLength(message.length + LENGTH_BYTES, shardBytes);
    const parityBytes = blockCount * code.parityShardCount * (CRC_BYTES + shardBytes);
    const output = new Uint8Array(parityBytes + storedDataBytes);
    let parityAt = 0;
    let dataAt = parityBytes;
    for (const { firstBlock, count } of batches(layout)) {
      const padded = paddedPart(message, { layout, firstBlock, count });
      const sealed = this.#work.seal(code.parityRows, padded, shardBytes);
      output.set(sealed.parity, parityAt);
      output.set(sealed.data.subarray(0, output.length - dataAt), dataAt);
      parityAt += sealed.parity.length;
      dataAt += sealed.data.length;
    }
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
    const parityBytes = blockCount * code.parityShardCount * unit;
    const blockUnitBytes = code.dataShardCount * unit;
    const blockBytes = code.dataShardCount * shardBytes;
    const padded = new Uint8Array(blockCount * blockBytes);
    let repairedShardCount = 0;
    for (const { firstBlock, count } of batches(layout)) {
      // A shard that begins beyond the stored bytes is padding and counts as good.
      const from = parityBytes + firstBlock * blockUnitBytes;
      const { data, good, wrongCount } = this.#work.open(
        stored.subarray(from, from + count * blockUnitBytes),
        shardBytes,
      );
      padded.set(data, firstBlock * blockBytes);
      if (wrongCount === 0) continue;
      const isGood = good.slice();
      for (let block = 0; block < count; block++) {
        const at = block * code.dataShardCount;
        repairedShardCount += this.#repairBlock({
          layout,
          block: firstBlock + block,
          data: padded.subarray(
            (firstBlock + block) * blockBytes,
            (firstBlock + block + 1) * blockBytes,
          ),
          wrong: Array.from({ length: code.dataShardCount }, (_, i) => isGood[at + i] === 0),
          stored,
        });
      }
    }
    return { message: messageOf(padded), repairedShardCount };
  }

  /** Rebuilds the damaged data shards of one block in place; returns how many there were. */
  #repairBlock({ layout, block, data, wrong, stored }: Block): number {
    const damagedShardCount = wrong.filter(Boolean).length;
    if (damagedShardCount === 0) return 0;
    const { code, shardBytes } = layout;
    const parityUnitBytes = code.parityShardCount * (CRC_BYTES + shardBytes);
    const units = new Uint8Array(parityUnitBytes);
    units.set(stored.subarray(block * parityUnitBytes, (block + 1) * parityUnitBytes));
    const parity = this.#work.open(units, shardBytes);
    const present = [...wrong.map((is) => !is), ...Array.from(parity.good, (is) => is === 1)];
    if (code.reconstruct(shardsOf(data, shardBytes), shardsOf(parity.data, shardBytes), present))
      return damagedShardCount;
    throw new KopiaError(
      "CONTENT_CORRUPT",
      `error correction: ${damagedShardCount} of ${code.dataShardCount} shards of block ${block} are damaged, more than can be rebuilt`,
      { details: { block, damagedShardCount } },
    );
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

interface Batch {
  readonly firstBlock: number;
  readonly count: number;
}

function* batches({ code, blockCount, shardBytes }: Layout): Generator<Batch> {
  const step = Math.max(1, Math.floor(BATCH_BYTES / (code.dataShardCount * shardBytes)));
  for (let firstBlock = 0; firstBlock < blockCount; firstBlock += step)
    yield { firstBlock, count: Math.min(step, blockCount - firstBlock) };
}

/** Some blocks of `u32be length ‖ message ‖ zeros`. */
function paddedPart(message: Uint8Array, part: Batch & { readonly layout: Layout }): Uint8Array {
  const blockBytes = part.layout.code.dataShardCount * part.layout.shardBytes;
  const padded = new Uint8Array(part.count * blockBytes);
  const from = part.firstBlock * blockBytes - LENGTH_BYTES;
  if (from < 0) {
    new DataView(padded.buffer).setUint32(0, message.length);
    padded.set(message.subarray(0, padded.length - LENGTH_BYTES), LENGTH_BYTES);
  } else padded.set(message.subarray(from, from + padded.length));
  return padded;
}

interface Block {
  readonly layout: Layout;
  readonly block: number;
  /** The data shards without CRCs. */
  readonly data: Uint8Array;
  /** Which of them are damaged. */
  readonly wrong: readonly boolean[];
  readonly stored: Uint8Array;
}

function messageOf(padded: Bytes): Bytes {
  const lengthBytes = new DataView(padded.buffer).getUint32(0);
  if (lengthBytes > padded.length - LENGTH_BYTES)
    throw new KopiaError(
      "CONTENT_CORRUPT",
      `error correction: the message length ${lengthBytes} does not fit its ${padded.length} bytes`,
    );
  return padded.subarray(LENGTH_BYTES, LENGTH_BYTES + lengthBytes);
}
