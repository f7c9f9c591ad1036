import {
  isTimeZone,
  KopiaError,
  NS_PER_SECOND,
  timeFromCalendar,
  zonedParts,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { RetentionPolicy } from "../policy/policy.ts";

/** An incomplete snapshot younger than this is kept, against the newest snapshot (spec 2 §8.5 step 5). */
const INCOMPLETE_KEPT_NS = 4n * 3_600_000_000_000n;
/** Among the newest, so many incomplete snapshots are kept whatever their age. */
const INCOMPLETE_KEPT_COUNT = 3;

/** No time of a snapshot is farther back (int64 nanoseconds), and no calendar needs to be. */
const MAX_YEARS_BACK = 1000;

/** The part of a snapshot that retention looks at. */
export interface RetainedSnapshot {
  readonly startTime: TimeNs;
  readonly endTime: TimeNs;
  readonly incompleteReason: string;
}

type PeriodType = "latest" | "hourly" | "daily" | "weekly" | "monthly" | "annual";

/** Order in which the reasons of one snapshot are listed. */
const REASON_ORDER: readonly PeriodType[] = [
  "latest",
  "hourly",
  "daily",
  "weekly",
  "monthly",
  "annual",
];

/** One kind of period while snapshots are being counted. */
interface Period {
  readonly type: PeriodType;
  readonly max: number;
  /** Snapshots that started before it do not count. */
  readonly cutoff: TimeNs | undefined;
  /** ID of the period that the snapshot at `index`, newest first, belongs to. */
  readonly idOf: (dates: SnapshotDates, index: number) => string;
  count: number;
}

interface SnapshotDates {
  /** `YYYY-MM-DD HH` in UTC: the IDs of years, months, days and hours are its beginnings. */
  readonly utcHour: string;
  /** `YYYY-WW`, ISO year and week in the local zone. */
  readonly week: string;
}

/**
 * Why each snapshot of one source is kept (spec 2 §8.5), e.g. `latest-1`, `weekly-3`; an empty list means
 * that only a pin would keep it.
 * @param snapshots all snapshots of one source, in any order.
 * @param policy the source's effective retention.
 * @param timeZone IANA zone of calendar arithmetic and ISO weeks (dates themselves are UTC, as in Kopia).
 * @returns reasons at the places of the snapshots.
 * @throws KopiaError `ARGUMENT_INVALID` for an unknown zone.
 */
export function computeRetention(
  snapshots: readonly RetainedSnapshot[],
  policy: RetentionPolicy,
  timeZone: string,
): readonly (readonly string[])[] {
  if (!isTimeZone(timeZone)) {
    throw new KopiaError("ARGUMENT_INVALID", `unknown time zone "${timeZone}"`, {
      details: { timeZone },
    });
  }
  const order = newestFirst(snapshots);
  const reasons: string[][] = snapshots.map(() => []);
  const periods = createPeriods(policy, newestCompleteStart(snapshots), timeZone);
  // One set for all types, as in Kopia: week `2024-02` and month `2024-02` are the same ID (spec 2 §8.5).
  const usedIds = new Set<string>();
  order.forEach((place, index) => {
    const snapshot = snapshots[place] as RetainedSnapshot;
    if (snapshot.incompleteReason !== "") return;
    const dates = datesOf(snapshot.startTime, timeZone);
    const counted: string[] = [];
    for (const period of periods) {
      if (!countsIn(period, snapshot, usedIds, period.idOf(dates, index))) continue;
      counted.push(`${period.type}-${period.count}`);
    }
    reasons[place] = counted.sort((a, b) => reasonRank(a) - reasonRank(b));
  });
  keepIncomplete(snapshots, order, reasons);
  return reasons;
}

function countsIn(
  period: Period,
  snapshot: RetainedSnapshot,
  usedIds: Set<string>,
  id: string,
): boolean {
  if (period.cutoff !== undefined && snapshot.startTime < period.cutoff) return false;
  if (period.count >= period.max || usedIds.has(id)) return false;
  usedIds.add(id);
  period.count++;
  return true;
}

/** Periods that have a maximum, in the order in which they are tried. */
function createPeriods(
  policy: RetentionPolicy,
  newest: TimeNs | undefined,
  timeZone: string,
): Period[] {
  if (newest === undefined) return [];
  const { keepLatest, keepHourly, keepDaily, keepWeekly, keepMonthly, keepAnnual } = policy;
  const total = [keepLatest, keepHourly, keepDaily, keepWeekly, keepMonthly, keepAnnual].reduce(
    (sum: number, count) => sum + (count ?? 0),
    0,
  );
  const periods: Period[] = [];
  const add = (
    type: PeriodType,
    max: number | undefined,
    cutoff: TimeNs | undefined,
    idOf: Period["idOf"],
  ): void => {
    if (max !== undefined) periods.push({ type, max, cutoff, idOf, count: 0 });
  };
  const back = (distance: CalendarDistance): TimeNs => timeBefore(newest, distance, timeZone);
  // Nothing kept at all means keep everything.
  add("latest", total === 0 ? Infinity : keepLatest, undefined, (_, index) => String(index));
  add("annual", keepAnnual, back({ years: keepAnnual ?? 0 }), ({ utcHour }) =>
    utcHour.slice(0, -9),
  );
  add("monthly", keepMonthly, back({ months: keepMonthly ?? 0 }), ({ utcHour }) =>
    utcHour.slice(0, -6),
  );
  add("weekly", keepWeekly, back({ days: 7 * (keepWeekly ?? 0) }), ({ week }) => week);
  add("daily", keepDaily, back({ days: keepDaily ?? 0 }), ({ utcHour }) => utcHour.slice(0, -3));
  const hourlyCutoff = newest - BigInt(keepHourly ?? 0) * 3600n * NS_PER_SECOND;
  add("hourly", keepHourly, hourlyCutoff, ({ utcHour }) => utcHour);
  return periods;
}

interface CalendarDistance {
  readonly years?: number;
  readonly months?: number;
  readonly days?: number;
}

/**
 * The same wall clock time so far back on the calendar. Dates that do not exist move forward: 31 March − 1 month
 * is 2 or 3 March (spec 2 §8.5 step 2).
 */
function timeBefore(time: TimeNs, distance: CalendarDistance, timeZone: string): TimeNs {
  const { years = 0, months = 0, days = 0 } = distance;
  const from = zonedParts(time, timeZone);
  return timeFromCalendar(
    {
      ...from,
      year: from.year - clamp(years, MAX_YEARS_BACK),
      month: from.month - clamp(months, 12 * MAX_YEARS_BACK),
      day: from.day - clamp(days, 365 * MAX_YEARS_BACK),
    },
    timeZone,
  );
}

function datesOf(startTime: TimeNs, timeZone: string): SnapshotDates {
  const utc = zonedParts(startTime, "UTC");
  const { isoYear, isoWeek } = zonedParts(startTime, timeZone);
  const date = `${pad(utc.year, 4)}-${pad(utc.month, 2)}-${pad(utc.day, 2)}`;
  return {
    utcHour: `${date} ${pad(utc.hour, 2)}`,
    week: `${pad(isoYear, 4)}-${pad(isoWeek, 2)}`,
  };
}

/** Newest incomplete snapshots are kept for a while, so that an interrupted upload can go on (spec 2 §8.5 step 5). */
function keepIncomplete(
  snapshots: readonly RetainedSnapshot[],
  order: readonly number[],
  reasons: string[][],
): void {
  const newest = snapshots[order[0] ?? -1];
  if (newest === undefined) return;
  for (const [index, place] of order.entries()) {
    const snapshot = snapshots[place] as RetainedSnapshot;
    if (snapshot.incompleteReason === "") return;
    const isYoung = newest.startTime - snapshot.startTime < INCOMPLETE_KEPT_NS;
    if (!isYoung && index >= INCOMPLETE_KEPT_COUNT) return;
    reasons[place] = ["incomplete"];
  }
}

/** Places of the snapshots, newest first by start, then end. */
function newestFirst(snapshots: readonly RetainedSnapshot[]): number[] {
  return snapshots
    .map((_, place) => place)
    .sort((x, y) => {
      const a = snapshots[x] as RetainedSnapshot;
      const b = snapshots[y] as RetainedSnapshot;
      return compareTimes(b.startTime, a.startTime) || compareTimes(b.endTime, a.endTime);
    });
}

function newestCompleteStart(snapshots: readonly RetainedSnapshot[]): TimeNs | undefined {
  let newest: TimeNs | undefined;
  for (const { startTime, incompleteReason } of snapshots) {
    if (incompleteReason !== "") continue;
    if (newest === undefined || startTime > newest) newest = startTime;
  }
  return newest;
}

function reasonRank(reason: string): number {
  return REASON_ORDER.findIndex((type) => reason.startsWith(type));
}

function compareTimes(a: TimeNs, b: TimeNs): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function clamp(distance: number, limit: number): number {
  return Math.max(-limit, Math.min(distance, limit));
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
