import { WINDOW_BYTES, type WindowScanner } from "./window-scanner.ts";

/** The polynomial over GF(2), of degree 53 (spec 2 §1.5). */
const POLYNOMIAL = 0x2e3e3e4a305605n;
const DEGREE = 53n;

/** A table of 256 64-bit values in two halves, as the scanners want it. */
export interface RabinKarpTable {
  readonly high: Int32Array;
  readonly low: Int32Array;
}

/** Tables of spec 2 §1.5: what a leaving byte adds, and how the byte above the polynomial folds back. */
export interface RabinKarpTables {
  /** `(b · x^(8·63)) mod P` */
  readonly out: RabinKarpTable;
  /** `((b · x^53) mod P) | (b << 53)` */
  readonly mod: RabinKarpTable;
}

let cachedTables: RabinKarpTables | undefined;

/** Computes the tables once. */
export function rabinKarpTables(): RabinKarpTables {
  cachedTables ??= {
    out: tableOf((byte) => remainder(byte << BigInt(8 * (WINDOW_BYTES - 1)))),
    mod: tableOf((byte) => remainder(byte << DEGREE) | (byte << DEGREE)),
  };
  return cachedTables;
}

/** The tables as the compiled scanner wants them (see `wasm/splitter-kernel.as`). */
export function rabinKarpKernelTables(): { leave: BigUint64Array; fold: BigUint64Array } {
  const { mod } = rabinKarpTables();
  const leave = new BigUint64Array(256);
  const fold = new BigUint64Array(256);
  for (let byte = 0; byte < 256; byte++) {
    // A byte that has been shifted once more than in `out`.
    leave[byte] = remainder(BigInt(byte) << BigInt(8 * WINDOW_BYTES));
    fold[byte] =
      (BigInt(mod.high[byte] as number) << 32n) | BigInt((mod.low[byte] as number) >>> 0);
  }
  return { leave, fold };
}

/** Remainder of a polynomial over GF(2) modulo `POLYNOMIAL`. */
function remainder(dividend: bigint): bigint {
  let rest = dividend;
  for (let bit = BigInt(8 * WINDOW_BYTES + 7); bit >= DEGREE; bit--) {
    if ((rest >> bit) & 1n) rest ^= POLYNOMIAL << (bit - DEGREE);
  }
  return rest;
}

function tableOf(valueOf: (byte: bigint) => bigint): RabinKarpTable {
  const high = new Int32Array(256);
  const low = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    const value = valueOf(BigInt(byte));
    high[byte] = Number(BigInt.asIntN(32, value >> 32n));
    low[byte] = Number(BigInt.asIntN(32, value));
  }
  return { high, low };
}

/** The plain scanner: what the compiled one must agree with, and its stand-in where there is none. */
export function portableRabinKarpScanner(averageBytes: number): WindowScanner {
  const mask = averageBytes - 1;
  const { out, mod } = rabinKarpTables();
  const { high: outHigh, low: outLow } = out;
  const { high: modHigh, low: modLow } = mod;
  return {
    provider: "portable",
    findCandidate(data, from, to) {
      // The 64-bit hash as two signed halves (spec 2 §1.5, last formula).
      let high = 0;
      let low = 0;
      for (let p = from - WINDOW_BYTES; p < to; p++) {
        if (p >= from) {
          const leaving = data[p - WINDOW_BYTES] as number;
          high ^= outHigh[leaving] as number;
          low ^= outLow[leaving] as number;
        }
        const top = (high >>> 13) & 255;
        high = ((high << 8) | (low >>> 24)) ^ (modHigh[top] as number);
        low = ((low << 8) | (data[p] as number)) ^ (modLow[top] as number);
        if (p + 1 >= from && (low & mask) === 0) return p + 1;
      }
      return -1;
    },
  };
}
