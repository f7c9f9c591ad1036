import {
  NS_PER_MS,
  NS_PER_SECOND,
  formatGoTime,
  formatLocalTimestamp,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../command-context.ts";

/** `2006-01-02 15:04:05 MST` in the zone of this run (spec 2 §9.1). */
export function timestamp(context: Pick<CommandContext, "timeZone">, time: TimeNs): string {
  return formatLocalTimestamp(time, context.timeZone);
}

/** The same with milliseconds, cut off: `2006-01-02 15:04:05.123 MST`. */
export function timestampMs(context: Pick<CommandContext, "timeZone">, time: TimeNs): string {
  const text = timestamp(context, time);
  const sinceSecond = ((time % NS_PER_SECOND) + NS_PER_SECOND) % NS_PER_SECOND;
  const milliseconds = String(sinceSecond / NS_PER_MS).padStart(3, "0");
  const seconds = "2006-01-02 15:04:05".length;
  return `${text.slice(0, seconds)}.${milliseconds}${text.slice(seconds)}`;
}

/** `2006-01-02 15:04:05.123456789 +0000 UTC`, as Go prints a time by itself; without zeros at the end. */
export function goTimeText(time: TimeNs): string {
  return formatGoTime(time).replace("T", " ").replace("Z", " +0000 UTC");
}
