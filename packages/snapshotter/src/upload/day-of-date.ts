const DATE = /^\d{4}-\d{2}-\d{2}$/;
const MS_PER_DAY = 86_400_000;

/** Days from 1970-01-01 to a date `YYYY-MM-DD` of the same calendar; NaN for anything else. */
export function dayOfDate(date: string): number {
  return DATE.test(date) ? Date.parse(`${date}T00:00:00Z`) / MS_PER_DAY : NaN;
}
