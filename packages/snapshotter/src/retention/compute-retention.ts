import { KopiaError, type TimeNs } from "@kopia-engine/kopia-format";
import type { RetentionPolicy } from "../policy/policy.ts";

/** The part of a snapshot that retention looks at. */
export interface RetainedSnapshot {
  readonly startTime: TimeNs;
  readonly endTime: TimeNs;
  readonly incompleteReason: string;
}

/**
 * Why each snapshot of one source is kept (spec 2 §8.5), e.g. `latest-1`, `weekly-3`; an empty list means
 * that only a pin would keep it.
 * @param snapshots all snapshots of one source, in any order.
 * @param policy the source's effective retention.
 * @param timeZone IANA zone of calendar arithmetic and ISO weeks (dates themselves are UTC, as in Kopia).
 * @returns reasons at the places of the snapshots.
 */
export function computeRetention(
  snapshots: readonly RetainedSnapshot[],
  policy: RetentionPolicy,
  timeZone: string,
): readonly (readonly string[])[] {
  void snapshots;
  void policy;
  throw new KopiaError("NOT_IMPLEMENTED", timeZone);
}
