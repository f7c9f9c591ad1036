/**
 * Cuts one object's bytes into chunks (spec 2 §1). Feed it consecutive slices; the result does not
 * depend on how the input is sliced. One instance per object being written.
 */
export interface Splitter {
  /** Longest possible chunk in bytes. */
  readonly maxSegmentBytes: number;
  /**
   * Bytes of `data[start..end)` up to and including the next cut, or -1 when all of them belong to
   * the current chunk. The bytes up to the cut (or all of them) are consumed.
   */
  nextSplitPoint(data: Uint8Array, start: number, end: number): number;
  /** Starts a new object. */
  reset(): void;
}

/** Makes splitters of one named kind. */
export interface SplitterFactory {
  /** Name as recorded in the format, such as `DYNAMIC-4M-BUZHASH`. */
  readonly name: string;
  readonly provider: "portable" | "fast";
  create(): Splitter;
}
