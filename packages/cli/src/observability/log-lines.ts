import { NS_PER_MS, goStringify, zonedParts, type TimeNs } from "@kopia-engine/kopia-format";
import type { LogEntry, LogLevel } from "../output/log.ts";

const LEVEL_NAMES: Readonly<Record<LogLevel, string>> = {
  debug: "DEBUG",
  info: "INFO",
  warning: "WARN",
  error: "ERROR",
};

/** How lines of a log file look. */
export interface LineFormat {
  readonly json: boolean;
  /** Local times with their offset instead of UTC. */
  readonly localTime: boolean;
}

/** A line of the CLI log file: `TIME LEVEL NAME MESSAGE`, tab, fields; or the same as JSON. */
export function logFileLine(entry: LogEntry, time: TimeNs, format: LineFormat): string {
  const shown = fileTime(time, format.localTime);
  const { name, message, fields = {} } = entry;
  const level = LEVEL_NAMES[entry.level];
  if (format.json) return goStringify({ l: level, t: shown, n: name, m: message, ...fields });
  const suffix = Object.keys(fields).length === 0 ? "" : `\t${goStringify(fields)}`;
  return `${shown} ${level} ${name} ${message}${suffix}`;
}

/** `yyyyMMdd-HHmmss`, as names of log files have it. */
export function compactTime(time: TimeNs, localTime: boolean): string {
  const parts = zonedParts(time, localTime ? undefined : "UTC");
  const two = (value: number): string => String(value).padStart(2, "0");
  const date = `${parts.year}${two(parts.month)}${two(parts.day)}`;
  return `${date}-${two(parts.hour)}${two(parts.minute)}${two(parts.second)}`;
}

/** Microseconds and zone, such as `2026-01-02T03:04:05.678901Z`. */
function fileTime(time: TimeNs, localTime: boolean): string {
  const microseconds = String((time % NS_PER_MS) / 1000n).padStart(3, "0");
  const toText = (ms: bigint): string => new Date(Number(ms)).toISOString().slice(0, -1);
  if (!localTime) return `${toText(time / NS_PER_MS)}${microseconds}Z`;
  const { offsetSeconds } = zonedParts(time);
  const minutes = Math.abs(Math.trunc(offsetSeconds / 60));
  const two = (value: number): string => String(value).padStart(2, "0");
  const sign = offsetSeconds < 0 ? "-" : "+";
  const offset = `${sign}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  const shifted = time / NS_PER_MS + BigInt(offsetSeconds) * 1000n;
  return `${toText(shifted)}${microseconds}${offsetSeconds === 0 ? "Z" : offset}`;
}
