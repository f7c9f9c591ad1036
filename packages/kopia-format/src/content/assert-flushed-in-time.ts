import type { Clock, TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { hoursStoodStill } from "./hours-stood-still.ts";

/**
 * Refuses to publish what was written long ago. Sessions flush every 10 minutes, so only a machine that
 * slept in the middle has something older. Meanwhile others may have deleted manifests that this session is
 * about to write again, too. The original publishes all that.
 * @param startTime when the first thing to be published was written; `undefined` when there is nothing.
 * @throws KopiaError `SESSION_EXPIRED`.
 */
export function assertFlushedInTime(
  clock: Clock,
  sessionId: string,
  startTime: TimeNs | undefined,
): void {
  const hours = startTime === undefined ? undefined : hoursStoodStill(clock, startTime);
  if (hours === undefined) return;
  throw new KopiaError(
    "SESSION_EXPIRED",
    `write session ${sessionId} stood still: what it wrote ${hours} hours ago was never made visible, ` +
      "and maintenance may have removed it since; at most 6 hours are safe",
    { details: { sessionId } },
  );
}
