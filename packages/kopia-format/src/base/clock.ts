/**
 * Time as this project counts it: nanoseconds since the Unix epoch, as bigint, because file
 * times and manifests carry nanoseconds that a double cannot hold.
 */
export type TimeNs = bigint;

/** Where "now" and waiting come from. Passed in everywhere; the linter bans the globals elsewhere. */
export interface Clock {
  /** Wall clock in nanoseconds since the Unix epoch. */
  now(): TimeNs;
  /** Resolves after `durationMs` milliseconds; rejects with the signal's reason when aborted. */
  sleep(durationMs: number, signal?: AbortSignal): Promise<void>;
}

/** Nanoseconds in a millisecond. */
export const NS_PER_MS = 1_000_000n;
/** Nanoseconds in a second. */
export const NS_PER_SECOND = 1_000_000_000n;

/** The machine's clock: milliseconds of the wall clock refined by the monotonic clock. */
export const systemClock: Clock = {
  now(): TimeNs {
    const originNs = BigInt(Math.round(performance.timeOrigin * 1e3)) * 1000n;
    return originNs + BigInt(Math.round(performance.now() * 1e6));
  },
  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, durationMs);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};

/** Whole seconds of a time, rounded towards minus infinity, as index entries store them (spec 1 §7). */
export function toUnixSeconds(time: TimeNs): number {
  const seconds = time / NS_PER_SECOND;
  return Number(time < 0n && time % NS_PER_SECOND !== 0n ? seconds - 1n : seconds);
}
