import type { ContentIdRange } from "../content-entry.ts";
import type { IndexReader } from "./index-reader.ts";
import { compareKeys } from "./key-bytes.ts";

interface Run {
  readonly reader: IndexReader;
  readonly readerIndex: number;
  readonly end: number;
  position: number;
  /** Where the current key lies, kept for the comparisons. */
  readonly bytes: Uint8Array;
  offset: number;
}

/**
 * Walks the entries of several readers in key order, equal keys one after another: a heap of one run
 * a reader. Nothing is allocated per entry.
 */
export class MergeCursor {
  /** Current entry, after `next` returned true. */
  reader: IndexReader;
  readerIndex = 0;
  position = 0;
  private readonly heap: Run[] = [];

  constructor(readers: readonly IndexReader[], range: ContentIdRange) {
    this.reader = readers[0] as IndexReader;
    for (const [readerIndex, reader] of readers.entries()) {
      const position = reader.lowerBound(range.start);
      const end = reader.lowerBound(range.end);
      if (position >= end) continue;
      const offset = reader.entriesOffsetBytes + position * reader.strideBytes;
      this.heap.push({ reader, readerIndex, end, position, bytes: reader.bytes, offset });
    }
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** Goes to the next entry; false when there is none. */
  next(): boolean {
    const run = this.heap[0];
    if (run === undefined) return false;
    this.reader = run.reader;
    this.readerIndex = run.readerIndex;
    this.position = run.position;
    run.position++;
    run.offset += run.reader.strideBytes;
    if (run.position === run.end) this.removeTop();
    this.sink(0);
    return true;
  }

  private removeTop(): void {
    const last = this.heap.pop();
    if (last !== undefined && this.heap.length > 0) this.heap[0] = last;
  }

  private sink(from: number): void {
    const { heap } = this;
    let parent = from;
    for (;;) {
      let least = parent;
      const left = 2 * parent + 1;
      if (left < heap.length && this.isBefore(left, least)) least = left;
      if (left + 1 < heap.length && this.isBefore(left + 1, least)) least = left + 1;
      if (least === parent) return;
      const moved = heap[parent] as Run;
      heap[parent] = heap[least] as Run;
      heap[least] = moved;
      parent = least;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const left = this.heap[a] as Run;
    const right = this.heap[b] as Run;
    return compareKeys(left, right, left.reader.keyLength) < 0;
  }
}
