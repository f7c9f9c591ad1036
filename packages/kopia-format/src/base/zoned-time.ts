import { NS_PER_SECOND, type TimeNs } from "./clock.ts";
import { daysFromCivil, splitTime } from "./go-time.ts";
import { localTimeZone, temporalOffsetSeconds } from "./local-time-zone.ts";
import { zoneAbbreviation } from "./zone-abbreviation.ts";

/** A moment on the clock and calendar of a time zone. */
export interface ZonedParts {
  readonly year: number;
  /** 1 to 12 */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly nanosecond: number;
  /** Seconds east of UTC. */
  readonly offsetSeconds: number;
  /** As Go prints it: `UTC`, `CET`, `+03`. */
  readonly zoneAbbreviation: string;
  readonly isoYear: number;
  readonly isoWeek: number;
}

/** Calendar fields to turn into a moment; out-of-range values carry over as in Go (month 14, day 31 of June). */
export type CalendarTime = Pick<
  ZonedParts,
  "year" | "month" | "day" | "hour" | "minute" | "second" | "nanosecond"
>;

/**
 * Breaks a moment into parts.
 *
 * @param timeZone IANA name, `UTC`, or `undefined` for the zone of this process
 * @throws RangeError for a time zone that the platform does not know
 */
export function zonedParts(time: TimeNs, timeZone?: string): ZonedParts {
  const zone = timeZone ?? localTimeZone();
  const { seconds, nanoseconds } = splitTime(time);
  const offsetSeconds = zoneOffsetSeconds(seconds, zone);
  // A date whose UTC fields show the local calendar.
  const local = new Date((seconds + offsetSeconds) * 1000);
  const days = Math.floor((seconds + offsetSeconds) / 86_400);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    nanosecond: nanoseconds,
    offsetSeconds,
    zoneAbbreviation: zoneAbbreviation({ zone, seconds, offsetSeconds }),
    ...isoWeekOf(days),
  };
}

/**
 * The moment of calendar fields in a zone, as Go's `time.Date` finds it: fields out of range carry over; in a
 * gap or an overlap the offset in force around that moment decides.
 *
 * @throws RangeError for a time zone that the platform does not know
 */
export function timeFromCalendar(calendar: CalendarTime, timeZone?: string): TimeNs {
  const zone = timeZone ?? localTimeZone();
  const days = daysFromCivil(calendar.year, calendar.month, calendar.day);
  const ofDay = calendar.hour * 3600 + calendar.minute * 60 + calendar.second;
  const localSeconds = days * 86_400 + ofDay;
  const guess = localSeconds - zoneOffsetSeconds(localSeconds, zone);
  const seconds = localSeconds - zoneOffsetSeconds(guess, zone);
  return BigInt(seconds) * NS_PER_SECOND + BigInt(calendar.nanosecond);
}

/**
 * `2006-01-02 15:04:05 MST` (spec 2 §9.1).
 *
 * @throws RangeError for a time zone that the platform does not know
 */
export function formatLocalTimestamp(time: TimeNs, timeZone?: string): string {
  const parts = zonedParts(time, timeZone);
  const date = [pad(parts.year, 4), pad(parts.month, 2), pad(parts.day, 2)].join("-");
  const clock = [pad(parts.hour, 2), pad(parts.minute, 2), pad(parts.second, 2)].join(":");
  return `${date} ${clock} ${parts.zoneAbbreviation}`;
}

/** Whether the platform knows the time zone. */
export function isTimeZone(name: string): boolean {
  try {
    if (temporalOffsetSeconds(0, name) === undefined) offsetFormat(name);
    return true;
  } catch {
    return false;
  }
}

const offsetFormats = new Map<string, Intl.DateTimeFormat>();

function offsetFormat(zone: string): Intl.DateTimeFormat {
  const known = offsetFormats.get(zone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" });
  offsetFormats.set(zone, format);
  return format;
}

function zoneOffsetSeconds(seconds: number, zone: string): number {
  if (zone === "UTC") return 0;
  return temporalOffsetSeconds(seconds, zone) ?? intlOffsetSeconds(seconds, zone);
}

/** Reads `GMT`, `GMT+01:00`, `GMT-00:36:45` from the formatted moment. */
function intlOffsetSeconds(seconds: number, zone: string): number {
  const text = offsetFormat(zone).format(new Date(seconds * 1000));
  const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(text);
  if (match === null) return 0;
  const [, sign, hours, minutes, rest = "0"] = match;
  const offset = Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
  return sign === "-" ? -offset : offset;
}

/** ISO 8601: week 1 holds the first Thursday of its year. */
function isoWeekOf(days: number): { isoYear: number; isoWeek: number } {
  // 1970-01-01 was a Thursday; 0 is Monday.
  const weekday = (((days + 3) % 7) + 7) % 7;
  const thursday = days - weekday + 3;
  const isoYear = new Date(thursday * 86_400_000).getUTCFullYear();
  const isoWeek = Math.floor((thursday - daysFromCivil(isoYear, 1, 1)) / 7) + 1;
  return { isoYear, isoWeek };
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
