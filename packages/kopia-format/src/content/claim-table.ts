/** A claim table as plain parts over shared memory, to be posted to another thread. */
export interface ClaimTableParts {
  readonly words: Int32Array;
  readonly hashBytes: number;
}

/** First words of the memory: how many claims there are. */
const HEADER_WORDS = 1;
const EMPTY = 0;
const WRITING = 1;
const READY = 2;
const FIRST_SLOTS = 2 ** 15;
/** A search that is longer than this gives up: the content is then stored twice at worst. */
const MAX_PROBES = 64;
/** Another thread writes a claim in well under a microsecond; should it have died, nobody waits for it. */
const MAX_SPINS = 2 ** 16;
/** From this load on the table should be replaced by a larger one. */
const CROWDED_LOAD = 0.5;

/**
 * Which contents some thread of a session has taken on itself to store: open addressing over whole
 * content hashes in shared memory, so that one of two threads that meet the same content stores it.
 * It may say "store it" twice for one content, never "somebody else does" for none.
 */
export class ClaimTable {
  private readonly words: Int32Array;
  private readonly hashBytes: number;
  private readonly strideWords: number;
  private readonly slotCount: number;
  private readonly probe: Int32Array;
  private readonly probeBytes: Uint8Array;

  private constructor(parts: ClaimTableParts) {
    this.words = parts.words;
    this.hashBytes = parts.hashBytes;
    this.strideWords = strideWordsOf(parts.hashBytes);
    this.slotCount = (parts.words.length - HEADER_WORDS) / this.strideWords;
    this.probe = new Int32Array(this.strideWords - 1);
    this.probeBytes = new Uint8Array(this.probe.buffer);
  }

  /** An empty table for hashes of this length; `slotCount` is a power of two. */
  static create(hashBytes: number, slotCount: number = FIRST_SLOTS): ClaimTable {
    const words = HEADER_WORDS + slotCount * strideWordsOf(hashBytes);
    const memory = new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT);
    return new ClaimTable({ words: new Int32Array(memory), hashBytes });
  }

  /** The same table in another thread. */
  static fromParts(parts: ClaimTableParts): ClaimTable {
    return new ClaimTable(parts);
  }

  parts(): ClaimTableParts {
    return { words: this.words, hashBytes: this.hashBytes };
  }

  get claimCount(): number {
    return Atomics.load(this.words, 0);
  }

  get isCrowded(): boolean {
    return this.claimCount >= this.slotCount * CROWDED_LOAD;
  }

  /** Whether the caller is the one to store the content of this hash. */
  claim(hash: Uint8Array): boolean {
    this.probeBytes.set(hash);
    const { words, probe, strideWords } = this;
    const mask = this.slotCount - 1;
    let slot = (probe[0] as number) & mask;
    for (let probes = 0; probes < MAX_PROBES; probes++) {
      const at = HEADER_WORDS + slot * strideWords;
      const found = Atomics.compareExchange(words, at, EMPTY, WRITING);
      if (found === EMPTY) {
        words.set(probe, at + 1);
        Atomics.store(words, at, READY);
        Atomics.add(words, 0, 1);
        return true;
      }
      if (found === WRITING && !this.awaitReady(at)) return true;
      if (this.isProbed(at)) return false;
      slot = (slot + 1) & mask;
    }
    return true;
  }

  /** A table of twice the size with the same claims; what is claimed meanwhile may be missing. */
  grown(): ClaimTable {
    const { words, strideWords } = this;
    const grown = ClaimTable.create(this.hashBytes, this.slotCount * 2);
    for (let at = HEADER_WORDS; at < words.length; at += strideWords) {
      if (Atomics.load(words, at) !== READY) continue;
      const hash = new Uint8Array(strideWords * 4 - 4);
      new Int32Array(hash.buffer).set(words.subarray(at + 1, at + strideWords));
      grown.claim(hash);
    }
    return grown;
  }

  private awaitReady(at: number): boolean {
    for (let spins = 0; spins < MAX_SPINS; spins++) {
      if (Atomics.load(this.words, at) === READY) return true;
    }
    return false;
  }

  private isProbed(at: number): boolean {
    for (let i = 0; i < this.probe.length; i++) {
      if (this.words[at + 1 + i] !== this.probe[i]) return false;
    }
    return true;
  }
}

/** A state, and the hash in whole words. */
function strideWordsOf(hashBytes: number): number {
  return 1 + Math.ceil(hashBytes / Int32Array.BYTES_PER_ELEMENT);
}
