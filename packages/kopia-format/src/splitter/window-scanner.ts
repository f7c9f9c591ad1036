/** Bytes that the rolling hashes look at (spec 2 §1.1). */
export const WINDOW_BYTES = 64;

/** Finds the places of a byte array where a rolling hash over the last 64 bytes allows a cut. */
export interface WindowScanner {
  readonly provider: "portable" | "fast";
  /**
   * The first position `p`, `from ≤ p ≤ to`, such that the hash of `data[p-64..p)` has all mask
   * bits zero, or -1. Needs `from ≥ 64`.
   */
  findCandidate(data: Uint8Array, from: number, to: number): number;
}
