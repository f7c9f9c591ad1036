import type { Clock, TimeNs } from "../base/clock.ts";

/** Width of the window: a bucket holds what accrues in it (spec 3 §5). */
const WINDOW_SECONDS = 60;
/** Part of the capacity that a new bucket starts with. */
const INITIAL_FILL = 0.1;

/**
 * A token bucket that allows debt: taking always succeeds, and the caller waits until the debt would be paid
 * (spec 3 §5).
 */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #tokensPerSecond: number;
  #tokens: number;
  #updatedAt: TimeNs;

  /** @param tokensPerSecond positive and finite */
  constructor(clock: Clock, tokensPerSecond: number) {
    this.#clock = clock;
    this.#tokensPerSecond = tokensPerSecond;
    this.#tokens = this.#capacity * INITIAL_FILL;
    this.#updatedAt = clock.now();
  }

  /** Takes tokens and waits for the debt, if there is one. */
  async take(tokens: number): Promise<void> {
    this.#refill();
    this.#tokens -= tokens;
    if (this.#tokens < 0) {
      await this.#clock.sleep((-this.#tokens / this.#tokensPerSecond) * 1000);
    }
  }

  /** Gives tokens back that were taken and not used. */
  giveBack(tokens: number): void {
    this.#refill();
    this.#tokens = Math.min(this.#tokens + tokens, this.#capacity);
  }

  get #capacity(): number {
    return this.#tokensPerSecond * WINDOW_SECONDS;
  }

  #refill(): void {
    const now = this.#clock.now();
    const elapsedSeconds = Math.max(0, Number(now - this.#updatedAt) / 1e9);
    this.#tokens = Math.min(this.#tokens + elapsedSeconds * this.#tokensPerSecond, this.#capacity);
    this.#updatedAt = now;
  }
}
