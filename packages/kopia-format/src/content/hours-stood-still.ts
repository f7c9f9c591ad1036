import { NS_PER_SECOND, type Clock, type TimeNs } from "../base/clock.ts";

/** What was begun at some time becomes visible at most so much later. */
const MAX_AGE_NS: TimeNs = 6n * 3600n * NS_PER_SECOND;

/**
 * How long something took that must not take long, since others act on what they see meanwhile: upkeep may have removed
 * packs that were not indexed (after 24 or 96 hours, spec 1 §12.3), and forgotten contents that nothing visible names
 * (two collections, more than 4 hours apart). Only a machine that slept in the middle takes so long.
 * @returns hours for an error message; `undefined` up to 6 hours, which are safe.
 */
export function hoursStoodStill(clock: Clock, startTime: TimeNs): string | undefined {
  const ageNs = clock.now() - startTime;
  if (ageNs <= MAX_AGE_NS) return undefined;
  return (Number(ageNs / (60n * NS_PER_SECOND)) / 60).toFixed(1);
}
