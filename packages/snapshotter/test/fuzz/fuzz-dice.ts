import { seededRandom } from "@kopia-engine/kopia-format/testing";

/** Choices that depend on the seed alone. */
export class FuzzDice {
  readonly #random: (length: number) => Uint8Array<ArrayBuffer>;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return this.#random(length);
  }

  below(limit: number): number {
    const [a = 0, b = 0, c = 0] = this.#random(3);
    return limit === 0 ? 0 : (a * 65_536 + b * 256 + c) % limit;
  }

  oneIn(count: number): boolean {
    return this.below(count) === 0;
  }

  one<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }
}
