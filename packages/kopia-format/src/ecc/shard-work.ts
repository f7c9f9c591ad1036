import { CRC32_TABLES, crc32 } from "../base/crc32.ts";
import { loadEccKernel } from "../wasm/ecc-kernel.ts";
import { combine } from "./combine-shards.ts";
import { productsOf } from "./galois-field.ts";

/** Bytes of the CRC-32 that stands before each shard. */
export const CRC_BYTES = 4;

/** Data and parity of whole blocks as they are stored: each shard behind its CRC-32. */
export interface SealedShards {
  readonly parity: Uint8Array;
  readonly data: Uint8Array;
}

/** Shards without their CRCs. */
export interface OpenedShards {
  readonly data: Uint8Array;
  /** For each shard 1 when its CRC was right, else 0. */
  readonly good: Uint8Array;
  /** How many CRCs were wrong. */
  readonly wrongCount: number;
}

/**
 * The two passes over all bytes (spec 1 §11.2, §11.3). Results may be views that the next call overwrites.
 * The portable provider is the specification of the fast one; both give the same bytes.
 */
export interface ShardWork {
  readonly provider: "fast" | "portable";
  /** Blocks of data shards, back to back; `parityRows` are the factors of the code. */
  seal(parityRows: readonly Uint8Array[], data: Uint8Array, shardBytes: number): SealedShards;
  /** Stored shards, back to back. The last one may be cut short: what it lacks counts as zeros. */
  open(stored: Uint8Array, shardBytes: number): OpenedShards;
}

/** Plain TypeScript. */
export const PORTABLE_SHARD_WORK: ShardWork = {
  provider: "portable",
  seal(parityRows, data, shardBytes) {
    const columnCount = (parityRows[0] as Uint8Array).length;
    const blockBytes = columnCount * shardBytes;
    const blockCount = data.length / blockBytes;
    const parity = new Uint8Array(blockCount * parityRows.length * shardBytes);
    for (let block = 0; block < blockCount; block++) {
      const shards = shardsOf(
        data.subarray(block * blockBytes, (block + 1) * blockBytes),
        shardBytes,
      );
      parityRows.forEach((row, index) => {
        const at = (block * parityRows.length + index) * shardBytes;
        combine(row, shards, parity.subarray(at, at + shardBytes));
      });
    }
    return { parity: withCrcs(parity, shardBytes), data: withCrcs(data, shardBytes) };
  },
  open(stored, shardBytes) {
    const unit = CRC_BYTES + shardBytes;
    const count = Math.ceil(stored.length / unit);
    const whole = new Uint8Array(count * unit);
    whole.set(stored);
    const view = new DataView(whole.buffer);
    const data = new Uint8Array(count * shardBytes);
    const good = new Uint8Array(count);
    let wrongCount = 0;
    for (let index = 0; index < count; index++) {
      const shard = whole.subarray(index * unit + CRC_BYTES, (index + 1) * unit);
      data.set(shard, index * shardBytes);
      if (view.getUint32(index * unit) === crc32(shard)) good[index] = 1;
      else wrongCount++;
    }
    return { data, good, wrongCount };
  },
};

let fastest: ShardWork | undefined;

/** The compiled provider where WebAssembly with relaxed SIMD runs, else the portable one. One a thread. */
export function fastestShardWork(): ShardWork {
  return (fastest ??= compiledShardWork() ?? PORTABLE_SHARD_WORK);
}

/** The compiled provider; `undefined` where it cannot run. */
export function compiledShardWork(): ShardWork | undefined {
  const kernel = loadEccKernel({ crc: CRC32_TABLES, productsOf });
  return kernel && { provider: "fast", ...kernel };
}

/** Views of equally long shards. */
export function shardsOf(bytes: Uint8Array, shardBytes: number): Uint8Array[] {
  return Array.from({ length: bytes.length / shardBytes }, (_, index) =>
    bytes.subarray(index * shardBytes, (index + 1) * shardBytes),
  );
}

function withCrcs(shards: Uint8Array, shardBytes: number): Uint8Array {
  const count = shards.length / shardBytes;
  const stored = new Uint8Array(shards.length + count * CRC_BYTES);
  const view = new DataView(stored.buffer);
  for (let index = 0; index < count; index++) {
    const shard = shards.subarray(index * shardBytes, (index + 1) * shardBytes);
    const at = index * (CRC_BYTES + shardBytes);
    view.setUint32(at, crc32(shard));
    stored.set(shard, at + CRC_BYTES);
  }
  return stored;
}
