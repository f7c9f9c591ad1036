import { KopiaError } from "@kopia-engine/kopia-format";

const SECONDS_PER_DAY = 86_400;
/** Offsets outside these years are those of the border years: no zone has rules there, and the platform's dates end. */
const FIRST_YEAR_SECONDS = Date.UTC(100, 0, 1) / 1000;
const LAST_YEAR_SECONDS = Date.UTC(9999, 0, 1) / 1000;

/** A wall clock date and time, in no particular zone. */
export interface CivilDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  /** 1 to 31. */
  readonly day: number;
  /** 0 to 86399. */
  readonly secondOfDay: number;
}

/** Calendar arithmetic in a named time zone, on whole seconds since the Unix epoch. */
export interface ZonedCalendar {
  /** Wall clock of an instant. */
  civilAt(epochSeconds: number): CivilDate;
  /**
   * The instant that is years, months and days away on the calendar, at the same wall clock time. Dates that do
   * not exist move forward (31 March − 1 month = 2 or 3 March). Clock times that a change of the zone skips or
   * repeats are settled as Kopia does: by the offset that holds at the wall clock time read as UTC, then by the
   * one in force at the instant this gives (spec 2 §8.5 step 2).
   */
  addDate(
    epochSeconds: number,
    delta: { readonly years?: number; readonly months?: number; readonly days?: number },
  ): number;
}

/**
 * The calendar of an IANA zone.
 * @throws KopiaError `ARGUMENT_INVALID` for an unknown zone.
 */
export function createZonedCalendar(timeZone: string): ZonedCalendar {
  const offsetAt = createOffsetLookup(timeZone);
  const civilAt = (epochSeconds: number): CivilDate =>
    civilFromSeconds(epochSeconds + offsetAt(epochSeconds));
  return {
    civilAt,
    addDate(epochSeconds, { years = 0, months = 0, days = 0 }) {
      const from = civilAt(epochSeconds);
      const monthIndex = (from.year + years) * 12 + (from.month - 1) + months;
      const wallDays =
        daysFromCivil(
          Math.floor(monthIndex / 12),
          monthIndex - 12 * Math.floor(monthIndex / 12) + 1,
        ) +
        (from.day - 1) +
        days;
      const wallSeconds = wallDays * SECONDS_PER_DAY + from.secondOfDay;
      const guess = wallSeconds - offsetAt(wallSeconds);
      return wallSeconds - offsetAt(guess);
    },
  };
}

/** ISO year and week of a date. */
export function isoWeek(date: Pick<CivilDate, "year" | "month" | "day">): {
  readonly year: number;
  readonly week: number;
} {
  const days = daysFromCivil(date.year, date.month) + date.day - 1;
  // The Thursday of the same week decides the year. 1 January 1970 was a Thursday.
  const weekday = (((days + 3) % 7) + 7) % 7;
  const thursday = days - weekday + 3;
  const { year } = civilFromSeconds(thursday * SECONDS_PER_DAY);
  return { year, week: Math.floor((thursday - daysFromCivil(year, 1)) / 7) + 1 };
}

/** Civil date of seconds since 1970 counted without zone (proleptic Gregorian calendar). */
export function civilFromSeconds(seconds: number): CivilDate {
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  let year = 1970 + Math.floor(days / 365.2425);
  while (daysFromCivil(year, 1) > days) year--;
  while (daysFromCivil(year + 1, 1) <= days) year++;
  let month = 12;
  while (daysFromCivil(year, month) > days) month--;
  return {
    year,
    month,
    day: days - daysFromCivil(year, month) + 1,
    secondOfDay: seconds - days * SECONDS_PER_DAY,
  };
}

/** Days from 1 January 1970 to the first of a month. */
function daysFromCivil(year: number, month: number): number {
  const daysBeforeMonth = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][
    month - 1
  ] as number;
  const lastYear = year - 1;
  const leapDays =
    Math.floor(lastYear / 4) - Math.floor(lastYear / 100) + Math.floor(lastYear / 400);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  // 719162 days lie between 1 January of year 1 and of 1970.
  return lastYear * 365 + leapDays - 719_162 + daysBeforeMonth + (isLeap && month > 2 ? 1 : 0);
}

/** Seconds east of UTC by instant. The formatter is made once; each look-up asks it once. */
function createOffsetLookup(timeZone: string): (epochSeconds: number) => number {
  if (timeZone === "UTC" || timeZone === "Etc/UTC") return () => 0;
  const formatter = createFormatter(timeZone);
  return (epochSeconds) => {
    const clamped = Math.min(Math.max(epochSeconds, FIRST_YEAR_SECONDS), LAST_YEAR_SECONDS);
    const fields = new Map<string, number>();
    for (const { type, value } of formatter.formatToParts(clamped * 1000)) {
      fields.set(type, Number(value));
    }
    const field = (name: string): number => fields.get(name) as number;
    const days = daysFromCivil(field("year"), field("month")) + field("day") - 1;
    const wallSeconds = (days * 24 + field("hour")) * 3600 + field("minute") * 60 + field("second");
    return wallSeconds - clamped;
  };
}

function createFormatter(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat("en-US-u-ca-iso8601-nu-latn", {
      timeZone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  } catch (cause) {
    throw new KopiaError("ARGUMENT_INVALID", `unknown time zone "${timeZone}"`, {
      cause,
      details: { timeZone },
    });
  }
}
