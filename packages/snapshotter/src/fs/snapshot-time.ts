import { KopiaError, NS_PER_MS, type TimeNs } from "@kopia-engine/kopia-format";

type Unit = "year" | "month" | "day" | "hour" | "minute" | "second";

/** A calendar moment: year, month (1 to 12), day, hour, minute, second. */
type Calendar = readonly [number, number, number, number, number, number];

const UNITS: readonly Unit[] = ["year", "month", "day", "hour", "minute", "second"];
const AGO = /^(?:(\d{1,6})y-)?(?:(\d{1,6})mo?-)?(?:(\d{1,6})d-)?ago$/;
const STAMP =
  /^(\d{4})(?:-(\d{1,2})(?:-(\d{1,2})(?:[ T](\d{1,2})(?::(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?)?)?)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?$/;

/**
 * End of the period that a `--snapshot-time` expression names: only snapshots that started before it count
 * (spec 2 §10.1, spec 3 §6.7). Without a zone the process's is meant. `undefined` for `latest` and `oldest`.
 * @throws KopiaError `ARGUMENT_INVALID`.
 */
export function snapshotTimeLimit(text: string, nowMs: number): TimeNs | undefined {
  if (text === "latest" || text === "oldest" || text === "") return undefined;
  const endMs = relativeEndMs(text, nowMs) ?? stampEndMs(text);
  if (endMs === undefined || Number.isNaN(endMs)) {
    throw new KopiaError(
      "ARGUMENT_INVALID",
      `Invalid time spec: ${text} (give latest, oldest, yesterday, last-month, last-year, 1y-2mo-3d-ago, or a date such as 2024-01-31 or 2024-01-31 15:04)`,
      { details: { snapshotTime: text } },
    );
  }
  return BigInt(endMs) * NS_PER_MS;
}

function relativeEndMs(text: string, nowMs: number): number | undefined {
  const now = new Date(nowMs);
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  if (text === "yesterday") return localMs([year, month + 1, day, 0, 0, 0]);
  if (text === "last-month") return localMs([year, month + 1, 1, 0, 0, 0]);
  if (text === "last-year") return localMs([year, 1, 1, 0, 0, 0]);
  const match = AGO.exec(text);
  if (match === null || text === "ago") return undefined;
  const [years, months, days] = [match[1], match[2], match[3]].map((part) => Number(part ?? 0));
  return localMs([year - (years ?? 0), month + 1 - (months ?? 0), day - (days ?? 0) + 1, 0, 0, 0]);
}

/** End of the year, month, day, … that the text gives, whatever its last part is. */
function stampEndMs(text: string): number | undefined {
  const match = STAMP.exec(text);
  if (match === null) return undefined;
  const parts = match.slice(1, 7);
  const given = parts.findLastIndex((part) => part !== undefined);
  const start = parts.map((part, index) => Number(part ?? (index === 1 || index === 2 ? 1 : 0)));
  if (!isCalendar(start)) return undefined;
  const end = start.map((value, index) => (index === given ? value + 1 : value));
  const zone = match[7];
  const calendar = end as unknown as Calendar;
  return zone === undefined ? localMs(calendar) : utcMs(calendar) - offsetMs(zone);
}

function isCalendar(start: readonly number[]): boolean {
  const highest = [9999, 12, 31, 23, 59, 59];
  return UNITS.every((_, index) => {
    const value = start[index] ?? 0;
    return value >= (index === 1 || index === 2 ? 1 : 0) && value <= (highest[index] ?? 0);
  });
}

function localMs([year, month, day, hour, minute, second]: Calendar): number {
  return new Date(year, month - 1, day, hour, minute, second).getTime();
}

function utcMs([year, month, day, hour, minute, second]: Calendar): number {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function offsetMs(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})$/.exec(zone);
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3]);
  return (match[1] === "-" ? -minutes : minutes) * 60_000;
}
