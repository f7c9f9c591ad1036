import type { ContentIdRange } from "../content-entry.ts";
import { entryWins, rankOf } from "./entry-order.ts";
import type { IndexReader } from "./index-reader.ts";
import { compareKeys, type KeyPlace } from "./key-bytes.ts";

const NO_BYTES = new Uint8Array(0);

interface Run {
  readonly reader: IndexReader;
  readonly end: number;
  position: number;
  /** Where the current key lies, kept for the comparisons. */
  readonly bytes: Uint8Array;
  offset: number;
}

/**
 * Walks the winning entries (spec 1 §7.6) of several readers in key order: a heap of one run a reader.
 * Nothing is allocated per entry, and what other readers come or go meanwhile makes no difference.
 */
export class MergeCursor {
  /** Current entry, after `next` returned true. */
  reader: IndexReader;
  position = 0;
  private readonly heap: Run[] = [];
  private readonly key: KeyPlace;

  /** @param range default: all entries, whatever their keys. */
  constructor(readers: readonly IndexReader[], range?: ContentIdRange) {
    this.reader = readers[0] as IndexReader;
    this.key = { bytes: NO_BYTES, offset: 0 };
    for (const reader of readers) {
      const position = range === undefined ? 0 : reader.lowerBound(range.start);
      const end = range === undefined ? reader.entryCount : reader.lowerBound(range.end);
      if (position >= end) continue;
      const offset = reader.entriesOffsetBytes + position * reader.strideBytes;
      this.heap.push({ reader, end, position, bytes: reader.bytes, offset });
    }
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** Goes to the next content; false when there is none. */
  next(): boolean {
    const first = this.heap[0];
    if (first === undefined) return false;
    this.key.bytes = first.bytes;
    this.key.offset = first.offset;
    this.take(first);
    for (let run = this.heap[0]; run !== undefined; run = this.heap[0]) {
      // Keys ascend strictly within a reader, so equal ones come from different readers.
      if (compareKeys(run, this.key, run.reader.keyLength) !== 0) break;
      const { reader, position } = run;
      if (entryWins(rankOf(reader, position), rankOf(this.reader, this.position))) this.take(run);
      else this.advance(run);
    }
    return true;
  }

  private take(run: Run): void {
    this.reader = run.reader;
    this.position = run.position;
    this.advance(run);
  }

  /** Moves the top run past its entry. */
  private advance(run: Run): void {
    run.position++;
    run.offset += run.reader.strideBytes;
    if (run.position === run.end) this.removeTop();
    this.sink(0);
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
