import { NS_PER_SECOND, errorMessage, formatGoDuration } from "@kopia-engine/kopia-format";
import { EMPTY_POLICY, GLOBAL_TARGET, validatePolicy } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { isInherit, withoutTarget, type ChangeList } from "./change-list.ts";
import type { SetFlagValues } from "./set-flags.ts";

/** Applies the flags about when snapshots are due. @throws CommandError. */
export function changeScheduling(changes: ChangeList, flags: SetFlagValues): void {
  const times = flags.snapshotTime;
  const isScheduled =
    flags.snapshotInterval !== undefined ||
    times.length > 0 ||
    flags.snapshotTimeCrontab !== undefined ||
    (flags.runMissed !== undefined && flags.runMissed !== "inherit");
  if (flags.manual === true) {
    if (isScheduled) throw new CommandError("cannot set manual field when scheduling snapshots");
    setManual(changes);
    return;
  }
  setInterval(changes, flags.snapshotInterval);
  setTimesOfDay(changes, times);
  setCrontab(changes, flags.snapshotTimeCrontab);
  changes.setText("scheduling.runMissed", flags.runMissed, "run missed snapshots");
  if (isScheduled && changes.policy.scheduling.manual === true)
    changes.make(
      { kind: "clear", field: "scheduling.manual" },
      "resetting manual snapshot field to false\n",
    );
  else if (flags.manual === false && changes.policy.scheduling.manual === true)
    changes.make(
      { kind: "clear", field: "scheduling.manual" },
      "resetting manual snapshot field to false\n",
    );
}

function setManual(changes: ChangeList): void {
  const { intervalSeconds, timeOfDay, cron } = changes.policy.scheduling;
  if (intervalSeconds !== undefined)
    changes.make(
      { kind: "clear", field: "scheduling.intervalSeconds" },
      "resetting snapshot interval to default\n",
    );
  if (timeOfDay !== undefined)
    changes.make(
      { kind: "clear", field: "scheduling.timeOfDay" },
      "resetting snapshot times of day to default\n",
    );
  if (cron !== undefined)
    changes.make(
      { kind: "clear", field: "scheduling.cron" },
      "resetting cron snapshot times to default\n",
    );
  changes.make(
    { kind: "set", field: "scheduling.manual", text: "true" },
    "setting manual snapshot field to true\n",
  );
}

function setInterval(changes: ChangeList, intervalNs: number | undefined): void {
  if (intervalNs === undefined) return;
  const seconds = Math.trunc(intervalNs / Number(NS_PER_SECOND));
  changes.make(
    { kind: "set", field: "scheduling.intervalSeconds", text: String(seconds) },
    `setting snapshot interval to ${formatGoDuration(BigInt(seconds) * NS_PER_SECOND)}`,
  );
}

function setTimesOfDay(changes: ChangeList, texts: readonly string[]): void {
  if (texts.length === 0) return;
  const field = "scheduling.timeOfDay";
  if (texts.some(isInherit)) {
    changes.make({ kind: "clear", field }, "resetting snapshot times of day to default");
    return;
  }
  const times = texts.flatMap((text) => text.split(",")).map((text) => parseTimeOfDay(text.trim()));
  const sorted = [...new Set(times)].sort((a, b) => a - b);
  const shown = sorted.map((minutes) => timeText(minutes, 1)).join(" ");
  const text = sorted.map((minutes) => timeText(minutes, 2)).join(",");
  changes.make({ kind: "set", field, text }, `setting snapshot times to [${shown}]`);
}

function setCrontab(changes: ChangeList, text: string | undefined): void {
  if (text === undefined) return;
  const field = "scheduling.cron";
  if (text === "" || isInherit(text)) {
    changes.make({ kind: "clear", field }, "resetting cron snapshot times to default");
    return;
  }
  const shown = text
    .split(";")
    .map((part) => part.trim())
    .join(" ");
  changes.make({ kind: "set", field, text }, `setting cron snapshot times to [${shown}]`);
  const { scheduling } = changes.policy;
  const cronOnly = { ...EMPTY_POLICY, scheduling: { cron: scheduling.cron ?? [] } };
  try {
    validatePolicy(cronOnly, GLOBAL_TARGET);
  } catch (error) {
    throw new CommandError(withoutTarget(errorMessage(error)), { cause: error });
  }
}

/** Minutes since midnight. @throws CommandError with Kopia's text. */
function parseTimeOfDay(text: string): number {
  const fail = (reason: string): CommandError =>
    new CommandError(`unable to parse time of day: ${reason}`);
  const [, hour, minute] = /^(\d{1,9}):(\d{1,9})$/.exec(text) ?? [];
  if (hour === undefined || minute === undefined) throw fail("invalid time of day, must be HH:MM");
  if (Number(hour) > 23)
    throw fail(`invalid hour ${JSON.stringify(text)}, must be between 0 and 23`);
  if (Number(minute) > 59)
    throw fail(`invalid minute ${JSON.stringify(text)}, must be between 0 and 59`);
  return Number(hour) * 60 + Number(minute);
}

function timeText(minutes: number, hourDigits: number): string {
  const hour = String(Math.floor(minutes / 60)).padStart(hourDigits, "0");
  return `${hour}:${String(minutes % 60).padStart(2, "0")}`;
}
