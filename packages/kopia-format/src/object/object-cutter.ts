import type { Splitter } from "../splitter/splitter.ts";
import type { ObjectCutter } from "./object-store.ts";

/** Cuts as the writer of an object does (spec 2 §2.4), without keeping the bytes. */
export class SplitterCutter implements ObjectCutter {
  readonly #splitter: Splitter;
  #cutCount = 0;
  #openBytes = 0;

  constructor(splitter: Splitter) {
    this.#splitter = splitter;
  }

  push(data: Uint8Array): readonly number[] {
    const lengths: number[] = [];
    let start = 0;
    while (start < data.length) {
      const cutLength = this.#splitter.nextSplitPoint(data, start, data.length);
      if (cutLength < 0) break;
      lengths.push(this.#openBytes + cutLength);
      this.#openBytes = 0;
      start += cutLength;
    }
    this.#openBytes += data.length - start;
    this.#cutCount += lengths.length;
    return lengths;
  }

  finish(): readonly number[] {
    // An empty object is one content of no bytes.
    const hasRest = this.#openBytes > 0 || this.#cutCount === 0;
    const lengths = hasRest ? [this.#openBytes] : [];
    this.#openBytes = 0;
    this.#cutCount = 0;
    this.#splitter.reset();
    return lengths;
  }
}
