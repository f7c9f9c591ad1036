/** Lets at most a number of operations run at once; the others wait in order. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param slots at least 1 */
  constructor(slots: number) {
    this.#free = slots;
  }

  /** Runs an operation when a slot is free. */
  async run<Result>(operation: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await operation();
    } finally {
      const next = this.#waiting.shift();
      // A waiting operation takes the slot over.
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
