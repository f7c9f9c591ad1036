import type { Splitter } from "./splitter.ts";

/** Cuts after every `segmentBytes` bytes. */
export class FixedSplitter implements Splitter {
  readonly maxSegmentBytes: number;
  #count = 0;

  constructor(segmentBytes: number) {
    this.maxSegmentBytes = segmentBytes;
  }

  nextSplitPoint(_data: Uint8Array, start: number, end: number): number {
    const missing = this.maxSegmentBytes - this.#count;
    if (end - start < missing) {
      this.#count += end - start;
      return -1;
    }
    this.#count = 0;
    return missing;
  }

  reset(): void {
    this.#count = 0;
  }
}
