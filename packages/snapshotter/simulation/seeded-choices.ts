import type { RandomBytes } from "@kopia-engine/kopia-format";

/** Every decision of a simulated world, drawn from one seed: the same seed decides the same. */
export class SeededChoices {
  #state: number;

  constructor(seed: number) {
    this.#state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x6c078965) >>> 0;
    for (let i = 0; i < 4; i++) this.word();
  }

  /** 32 bits (the generator is mulberry32: short, and good enough to roll dice). */
  word(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** An integer of `0` to `limit - 1`. */
  below(limit: number): number {
    return this.word() % limit;
  }

  /** A number of `from` up to, not including, `to`. */
  between(from: number, to: number): number {
    return from + ((to - from) * this.word()) / 2 ** 32;
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.word() < probability * 2 ** 32;
  }

  /** One of some values. */
  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)] as Value;
  }

  /** Choices of their own for one part of the world: what others draw does not shift them. */
  fork(label: string): SeededChoices {
    let hash = this.#state;
    for (const letter of label) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193);
    return new SeededChoices(hash >>> 0);
  }

  /** As the randomness of a client. */
  bytes(): RandomBytes {
    return (lengthBytes) => {
      const bytes = new Uint8Array(lengthBytes);
      for (let i = 0; i < lengthBytes; i += 4) {
        let word = this.word();
        for (let j = i; j < i + 4 && j < lengthBytes; j++) {
          bytes[j] = word & 0xff;
          word >>>= 8;
        }
      }
      return bytes;
    };
  }
}
