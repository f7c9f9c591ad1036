import { formatLocalTimestamp, timeFromCalendar, type TimeNs } from "@kopia-engine/kopia-format";
import { CommandError } from "../command-error.ts";

const LAYOUT = "2006-01-02 15:04:05 MST";

/**
 * A time in the layout in which Kopia prints times. The zone is UTC, GMT or the abbreviation of the local
 * zone at that time; others are refused, since abbreviations are not unique.
 * @throws CommandError naming the flag.
 */
export function timeArgument(text: string, flag: string): TimeNs {
  const fail = (reason: string): CommandError =>
    new CommandError(
      `could not parse ${flag}: parsing time ${JSON.stringify(text)} as ${JSON.stringify(LAYOUT)}: ${reason}`,
    );
  const match = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) (\S+)$/.exec(text);
  if (match === null) throw fail("it must have exactly this layout");
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12) throw fail("month out of range");
  if (day < 1 || day > 31) throw fail("day out of range");
  if (hour > 23 || minute > 59 || second > 59) throw fail("time of day out of range");
  const zone = match[7] as string;
  const calendar = { year, month, day, hour, minute, second, nanosecond: 0 };
  if (zone === "UTC" || zone === "GMT") return timeFromCalendar(calendar, "UTC");
  const local = timeFromCalendar(calendar);
  if (formatLocalTimestamp(local).endsWith(` ${zone}`)) return local;
  throw fail(`zone ${zone} is neither UTC nor the local zone at that time`);
}
