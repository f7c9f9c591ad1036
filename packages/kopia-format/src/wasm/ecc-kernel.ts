import { WASM_BASE64 } from "./ecc-kernel.wasm.ts";
import { loadKernel, type KernelMemory } from "./load-kernel.ts";

// Memory map: constants of ecc-kernel.as.
const CRC_TABLES_OFFSET = 0x0400;
const NIBBLES_OFFSET = 0x2400;
const MATRIX_OFFSET = 0x4400;
const INPUT_OFFSET = 0xa800;
const CRC_BYTES = 4;
// Tiles are read whole, also at the end of the last shard.
const SLACK_BYTES = 32;
const PAGE_BYTES = 2 ** 16;

/** Tables of the kernel, computed by its plain twin. */
export interface EccTables {
  /** CRC-32, eight tables of 256. */
  readonly crc: readonly Int32Array[];
  /** The 256 products of an element of GF(2^8). */
  readonly productsOf: (element: number) => Uint8Array;
}

/** The compiled passes of error correction. All results are views that the next call overwrites. */
export interface EccKernel {
  /**
   * Whole blocks of data shards become units, which is a shard behind its CRC-32. `rows` are the factors of the
   * parity shards, one for each data shard of a block.
   */
  seal(
    rows: readonly Uint8Array[],
    data: Uint8Array,
    shardBytes: number,
  ): { readonly parity: Uint8Array; readonly data: Uint8Array };
  /** Takes units apart; the last one may be cut short, what it lacks is zeros. */
  open(
    units: Uint8Array,
    shardBytes: number,
  ): { readonly data: Uint8Array; readonly good: Uint8Array; readonly wrongCount: number };
}

interface GrowingMemory extends KernelMemory {
  grow(pages: number): number;
}

interface KernelExports {
  readonly memory: GrowingMemory;
  readonly parity: (
    ...numbers: [
      data: number,
      blocks: number,
      count: number,
      parityCount: number,
      shardBytes: number,
      to: number,
    ]
  ) => void;
  readonly wrap: (
    ...numbers: [data: number, shards: number, shardBytes: number, to: number]
  ) => void;
  readonly unwrap: (
    ...numbers: [units: number, shards: number, shardBytes: number, to: number, good: number]
  ) => number;
}

/** The kernel with its tables in place; `undefined` where there is no WebAssembly with relaxed SIMD. */
export function loadEccKernel(tables: EccTables): EccKernel | undefined {
  const exports = loadKernel(WASM_BASE64) as KernelExports | undefined;
  if (exports === undefined) return undefined;
  putTables(new Uint8Array(exports.memory.buffer), tables);
  let matrix: readonly Uint8Array[] | undefined;
  const putMatrix = (rows: readonly Uint8Array[]): void => {
    if (matrix === rows) return;
    matrix = rows;
    const bytes = new Uint8Array(exports.memory.buffer);
    const columns = rows[0]?.length ?? 0;
    rows.forEach((row, index) => bytes.set(row, MATRIX_OFFSET + index * columns));
  };
  /** Memory with room for so many bytes behind the tables. */
  const reserve = (lengthBytes: number): Uint8Array => {
    const missing = INPUT_OFFSET + lengthBytes - exports.memory.buffer.byteLength;
    if (missing > 0) exports.memory.grow(Math.ceil(missing / PAGE_BYTES));
    return new Uint8Array(exports.memory.buffer);
  };
  return {
    seal(rows, data, shardBytes) {
      putMatrix(rows);
      const shards = data.length / shardBytes;
      const columns = rows[0]?.length ?? 1;
      const parityBytes = (shards / columns) * rows.length * (CRC_BYTES + shardBytes);
      const parityAt = INPUT_OFFSET + data.length + SLACK_BYTES;
      const unitsAt = parityAt + parityBytes;
      const unitsEnd = unitsAt + shards * (CRC_BYTES + shardBytes);
      const bytes = reserve(unitsEnd - INPUT_OFFSET);
      bytes.set(data, INPUT_OFFSET);
      const blocks = shards / columns;
      exports.parity(INPUT_OFFSET, blocks, columns, rows.length, shardBytes, parityAt);
      exports.wrap(INPUT_OFFSET, shards, shardBytes, unitsAt);
      return { parity: bytes.subarray(parityAt, unitsAt), data: bytes.subarray(unitsAt, unitsEnd) };
    },
    open(units, shardBytes) {
      const shards = Math.ceil(units.length / (CRC_BYTES + shardBytes));
      const dataAt = INPUT_OFFSET + shards * (CRC_BYTES + shardBytes);
      const goodAt = dataAt + shards * shardBytes;
      const bytes = reserve(goodAt + shards - INPUT_OFFSET);
      bytes.set(units, INPUT_OFFSET);
      bytes.fill(0, INPUT_OFFSET + units.length, dataAt);
      const wrongCount = exports.unwrap(INPUT_OFFSET, shards, shardBytes, dataAt, goodAt);
      return {
        data: bytes.subarray(dataAt, goodAt),
        good: bytes.subarray(goodAt, goodAt + shards),
        wrongCount,
      };
    },
  };
}

/** The products of the low and of the high nibble, 16 each, for every element. */
function putTables(bytes: Uint8Array, { crc, productsOf }: EccTables): void {
  crc.forEach((table, i) => {
    new Int32Array(bytes.buffer, CRC_TABLES_OFFSET + i * table.byteLength, table.length).set(table);
  });
  for (let element = 0; element < 256; element++) {
    const products = productsOf(element);
    for (let nibble = 0; nibble < 16; nibble++) {
      const at = NIBBLES_OFFSET + element * 32 + nibble;
      bytes[at] = products[nibble] as number;
      bytes[at + 16] = products[nibble << 4] as number;
    }
  }
}
