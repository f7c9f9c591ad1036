import type { Clock, TimeNs } from "../base/clock.ts";

/** A clock that stands still until it is moved; `sleep` moves it and returns at once. */
export class FakeClock implements Clock {
  #now: TimeNs;
  /** Every duration that was slept, in milliseconds. */
  readonly sleepsMs: number[] = [];

  /** @param start default 2024-01-02T03:04:05Z */
  constructor(start: TimeNs = 1_704_164_645_000_000_000n) {
    this.#now = start;
  }

  now(): TimeNs {
    return this.#now;
  }

  /** Moves the clock forward, or back with a negative duration. */
  advance(durationNs: bigint): void {
    this.#now += durationNs;
  }

  /** Sets the clock. */
  set(time: TimeNs): void {
    this.#now = time;
  }

  async sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleepsMs.push(durationMs);
    this.advance(BigInt(Math.round(durationMs * 1e6)));
  }
}
