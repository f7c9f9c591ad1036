import { NS_PER_SECOND, type Clock, type TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";

/** What was written at the time `startTime` becomes visible at most so much later. */
const MAX_FLUSH_AGE_NS: TimeNs = 6n * 3600n * NS_PER_SECOND;

/**
 * Refuses to publish what was written long ago. Sessions flush every 10 minutes, so only a machine that
 * slept in the middle has something older. Meanwhile upkeep may have removed packs that were not
 * indexed (after 24 or 96 hours, spec 1 §12.3), forgotten contents that this session refers to (two
 * collections, more than 4 hours apart), and others may have deleted manifests that this session is
 * about to write again. The original publishes all that.
 * @param startTime when the first thing to be published was written; `undefined` when there is nothing.
 * @throws KopiaError `SESSION_EXPIRED`.
 */
export function assertFlushedInTime(
  clock: Clock,
  sessionId: string,
  startTime: TimeNs | undefined,
): void {
  const ageNs = startTime === undefined ? 0n : clock.now() - startTime;
  if (ageNs <= MAX_FLUSH_AGE_NS) return;
  const hours = Number(ageNs / (60n * NS_PER_SECOND)) / 60;
  throw new KopiaError(
    "SESSION_EXPIRED",
    `write session ${sessionId} stood still: what it wrote ${hours.toFixed(1)} hours ago was never made visible, ` +
      "and maintenance may have removed it since; at most 6 hours are safe",
    { details: { sessionId } },
  );
}
