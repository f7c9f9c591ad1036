const INITIAL_SLOTS = 2 ** 12;
const DIRECT_ID = /^[0-9a-f]{32,}$/;
const WORDS = 4;

/**
 * A set of object IDs that stays small for millions of files: an ID without prefix is kept as its first 128
 * bits (it is a hash, so these are as good as all), any other as text.
 */
export class ObjectIdSet {
  readonly #others = new Set<string>();
  /** Four words a slot; a slot of zeros is free. */
  #slots = new Uint32Array(INITIAL_SLOTS * WORDS);
  #count = 0;

  get size(): number {
    return this.#count + this.#others.size;
  }

  /** Adds an ID; false when it was there already. */
  add(objectId: string): boolean {
    if (!DIRECT_ID.test(objectId)) {
      if (this.#others.has(objectId)) return false;
      this.#others.add(objectId);
      return true;
    }
    const words: Words = [
      wordAt(objectId, 0),
      wordAt(objectId, 8),
      wordAt(objectId, 16),
      wordAt(objectId, 24),
    ];
    // All zeros marks a free slot; nothing else can have that hash by chance.
    if ((words[0] | words[1] | words[2] | words[3]) === 0)
      return this.#addOther(objectId.slice(0, 32));
    if (!this.#insert(words)) return false;
    this.#count++;
    if (this.#count * 2 * WORDS > this.#slots.length) this.#grow();
    return true;
  }

  /** Whether an ID was added. */
  has(objectId: string): boolean {
    if (!DIRECT_ID.test(objectId)) return this.#others.has(objectId);
    const slots = this.#slots;
    const mask = slots.length / WORDS - 1;
    const words = [0, 8, 16, 24].map((start) => wordAt(objectId, start));
    if (words.every((word) => word === 0)) return this.#others.has(objectId.slice(0, 32));
    for (let slot = (words[0] ?? 0) & mask; ; slot = (slot + 1) & mask) {
      const found = slots.subarray(slot * WORDS, (slot + 1) * WORDS);
      if (found.every((word) => word === 0)) return false;
      if (found.every((word, i) => word === words[i])) return true;
    }
  }

  #addOther(objectId: string): boolean {
    const isNew = !this.#others.has(objectId);
    this.#others.add(objectId);
    return isNew;
  }

  #insert(words: Words): boolean {
    const slots = this.#slots;
    const mask = slots.length / WORDS - 1;
    let slot = words[0] & mask;
    for (;;) {
      const at = slot * WORDS;
      const [a = 0, b = 0, c = 0, d = 0] = [slots[at], slots[at + 1], slots[at + 2], slots[at + 3]];
      if ((a | b | c | d) === 0) {
        slots.set(words, at);
        return true;
      }
      if (a === words[0] && b === words[1] && c === words[2] && d === words[3]) return false;
      slot = (slot + 1) & mask;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    for (let at = 0; at < old.length; at += WORDS) {
      const words: Words = [
        old[at] as number,
        old[at + 1] as number,
        old[at + 2] as number,
        old[at + 3] as number,
      ];
      if ((words[0] | words[1] | words[2] | words[3]) !== 0) this.#insert(words);
    }
  }
}

type Words = readonly [number, number, number, number];

function wordAt(hex: string, start: number): number {
  return Number.parseInt(hex.slice(start, start + 8), 16) >>> 0;
}
