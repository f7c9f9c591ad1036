import type { Splitter } from "./splitter.ts";
import type { SplitterSizes } from "./splitter-sizes.ts";
import { WINDOW_BYTES, type WindowScanner } from "./window-scanner.ts";

/**
 * Cuts where a rolling hash says so, never before `minBytes` and never after `maxBytes` (spec 2
 * §1.2). The hash depends on the last 64 bytes only, so of each segment the first `minBytes - 64`
 * bytes are not looked at (§1.3), and the only state beside the count is that window.
 */
export class DynamicSplitter implements Splitter {
  readonly maxSegmentBytes: number;
  readonly #minBytes: number;
  readonly #scanner: WindowScanner;
  /** The window (64 bytes before the current position), then room for the start of a slice. */
  readonly #joint = new Uint8Array(2 * WINDOW_BYTES);
  /** Bytes since the last cut. */
  #count = 0;

  constructor(sizes: SplitterSizes, scanner: WindowScanner) {
    this.maxSegmentBytes = sizes.maxBytes;
    this.#minBytes = sizes.minBytes;
    this.#scanner = scanner;
  }

  nextSplitPoint(data: Uint8Array, start: number, end: number): number {
    const untested = this.#minBytes - 1 - this.#count;
    const available = end - start;
    if (available <= untested) {
      this.#remember(data, start, end);
      this.#count += available;
      return -1;
    }
    const firstTest = start + Math.max(0, untested + 1);
    const lastTest = Math.min(end, start + this.maxSegmentBytes - this.#count);
    const cut = this.#firstCandidate({ data, start, from: firstTest, to: lastTest });
    if (cut >= 0 || this.#count + (lastTest - start) === this.maxSegmentBytes) {
      this.#count = 0;
      return (cut >= 0 ? cut : lastTest) - start;
    }
    this.#remember(data, start, end);
    this.#count += available;
    return -1;
  }

  reset(): void {
    this.#count = 0;
    this.#joint.fill(0);
  }

  /** First candidate in `from..to`, where bytes before `start` are those of the window. */
  #firstCandidate(range: { data: Uint8Array; start: number; from: number; to: number }): number {
    const { data, start, from, to } = range;
    const jointEnd = Math.min(to, start + WINDOW_BYTES - 1);
    if (from <= jointEnd) {
      this.#joint.set(data.subarray(start, jointEnd), WINDOW_BYTES);
      const shift = WINDOW_BYTES - start;
      const found = this.#scanner.findCandidate(this.#joint, from + shift, jointEnd + shift);
      if (found >= 0) return found - shift;
    }
    const rest = Math.max(from, jointEnd + 1);
    return rest <= to ? this.#scanner.findCandidate(data, rest, to) : -1;
  }

  /** Keeps the last 64 bytes for the next slice; only those the first test can reach are needed. */
  #remember(data: Uint8Array, start: number, end: number): void {
    if (this.#count + (end - start) + WINDOW_BYTES < this.#minBytes) return;
    const joint = this.#joint;
    const length = end - start;
    if (length >= WINDOW_BYTES) {
      joint.set(data.subarray(end - WINDOW_BYTES, end));
      return;
    }
    joint.copyWithin(0, length, WINDOW_BYTES);
    joint.set(data.subarray(start, end), WINDOW_BYTES - length);
  }
}
