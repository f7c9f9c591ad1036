import { formatLocalTimestamp, timeFromCalendar, type TimeNs } from "@kopia-engine/kopia-format";
import { CommandError } from "../command-error.ts";

const LAYOUT = "2006-01-02 15:04:05 MST";

/** The parts of the layout: what stands before, how the part is written, its name where it is out of range, its bounds. */
const PARTS = [
  ["", "2006", /^\d{4}/, "year", 0, 9999],
  ["-", "01", /^\d\d/, "month", 1, 12],
  ["-", "02", /^\d\d/, "day", 1, 31],
  [" ", "15", /^\d\d/, "hour", 0, 23],
  [":", "04", /^\d\d/, "minute", 0, 59],
  [":", "05", /^\d\d/, "second", 0, 59],
] as const;

/**
 * A time in the layout in which Kopia prints times. The zone is UTC, GMT or the abbreviation of the local
 * zone at that time; others are refused, since abbreviations are not unique.
 * @throws CommandError naming the flag, in the words of Kopia's parser.
 */
export function timeArgument(text: string, flag: string): TimeNs {
  const fail = (reason: string): CommandError =>
    new CommandError(`could not parse ${flag}: parsing time ${JSON.stringify(text)}${reason}`);
  const mismatch = (rest: string, element: string): CommandError =>
    fail(
      ` as ${JSON.stringify(LAYOUT)}: cannot parse ${JSON.stringify(rest)} as ${JSON.stringify(element)}`,
    );
  let rest = text;
  const skip = (before: string): void => {
    if (before === " ") rest = rest.replace(/^ */, "");
    else if (!rest.startsWith(before)) throw mismatch(rest, before);
    else rest = rest.slice(before.length);
  };
  const values: number[] = [];
  for (const [before, element, digits, name, least, most] of PARTS) {
    skip(before);
    const [found] = digits.exec(rest) ?? [];
    if (found === undefined) throw mismatch(rest, element);
    const value = Number(found);
    if (value < least || value > most) throw fail(`: ${name} out of range`);
    values.push(value);
    rest = rest.slice(found.length);
  }
  skip(" ");
  const [zone] = /^\S+/.exec(rest) ?? [];
  if (zone === undefined) throw mismatch(rest, "MST");
  if (rest !== zone) throw fail(`: extra text: ${JSON.stringify(rest.slice(zone.length))}`);
  const [year, month, day, hour, minute, second] = values as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const calendar = { year, month, day, hour, minute, second, nanosecond: 0 };
  if (zone === "UTC" || zone === "GMT") return timeFromCalendar(calendar, "UTC");
  const local = timeFromCalendar(calendar);
  if (formatLocalTimestamp(local).endsWith(` ${zone}`)) return local;
  throw fail(`: zone ${zone} is neither UTC nor the local zone at that time`);
}
