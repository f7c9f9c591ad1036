/** Lengths in bytes that a dynamic splitter keeps (spec 2 §1.1). */
export interface SplitterSizes {
  readonly minBytes: number;
  readonly averageBytes: number;
  readonly maxBytes: number;
}

/** The sizes of spec 2 §1.1: half the average to twice the average. */
export function sizesForAverage(averageBytes: number): SplitterSizes {
  return { minBytes: averageBytes / 2, averageBytes, maxBytes: averageBytes * 2 };
}
