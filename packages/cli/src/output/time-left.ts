import { NS_PER_MS, NS_PER_SECOND, formatGoDuration } from "@kopia-engine/kopia-format";

/** How far a work of known size is. */
export interface Pace {
  readonly percent: number;
  /** Whole seconds, as text: `1m5s`. */
  readonly timeLeft: string;
  readonly bytesPerSecond: number;
}

/** A guess from less says nothing. */
const MIN_ELAPSED_NS = NS_PER_SECOND;

/** Pace of a work; `undefined` while nothing can be said. */
export function paceOf(work: {
  readonly elapsedNs: bigint;
  readonly doneBytes: number;
  readonly totalBytes: number;
}): Pace | undefined {
  const { elapsedNs, doneBytes, totalBytes } = work;
  if (elapsedNs < MIN_ELAPSED_NS || doneBytes <= 0 || totalBytes <= 0) return undefined;
  const share = Math.min(doneBytes / totalBytes, 1);
  const elapsedMs = Number(elapsedNs / NS_PER_MS);
  const secondsLeft = Math.floor((elapsedMs * (1 / share - 1)) / 1000);
  return {
    percent: share * 100,
    timeLeft: formatGoDuration(BigInt(secondsLeft) * NS_PER_SECOND),
    bytesPerSecond: (doneBytes * 1000) / elapsedMs,
  };
}
