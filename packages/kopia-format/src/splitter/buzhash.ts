import { BUZHASH_TABLE } from "./buzhash-table.ts";
import { WINDOW_BYTES, type WindowScanner } from "./window-scanner.ts";

/** Buzhash32 of the 64 bytes before `end` (spec 2 §1.4), as a signed 32-bit number. */
export function buzhashWindow(data: Uint8Array, end: number): number {
  let hash = 0;
  for (let i = end - WINDOW_BYTES; i < end; i++) {
    hash = ((hash << 1) | (hash >>> 31)) ^ (BUZHASH_TABLE[data[i] as number] as number);
  }
  return hash;
}

/** The plain scanner: what the compiled one must agree with, and its stand-in where there is none. */
export function portableBuzhashScanner(averageBytes: number): WindowScanner {
  const mask = averageBytes - 1;
  const table = new Int32Array(BUZHASH_TABLE);
  return {
    provider: "portable",
    findCandidate(data, from, to) {
      let hash = buzhashWindow(data, from);
      if ((hash & mask) === 0) return from;
      for (let p = from; p < to; p++) {
        // 64 mod 32 = 0: the leaving byte's value has come round to its own position.
        hash =
          ((hash << 1) | (hash >>> 31)) ^
          (table[data[p - WINDOW_BYTES] as number] as number) ^
          (table[data[p] as number] as number);
        if ((hash & mask) === 0) return p + 1;
      }
      return -1;
    },
  };
}
