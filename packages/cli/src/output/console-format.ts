import type { LogEntry } from "./log.ts";

/** How messages look on stderr. */
export interface ConsoleFormat {
  readonly json: boolean;
  /** Time of day before each message; in JSON the whole time. */
  readonly timestamps: boolean;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}

/** Shapes messages for stderr: text, tab, fields; or one JSON object a line. */
export function consoleFormatter(format: ConsoleFormat): (entry: LogEntry) => string {
  return format.json ? jsonFormatter(format) : textFormatter(format);
}

function textFormatter({ timestamps, nowMs }: ConsoleFormat): (entry: LogEntry) => string {
  return ({ message, shown = message, fields }) => {
    const suffix = fields === undefined ? "" : `\t${toJson(fields)}`;
    if (!timestamps) return `${shown}${suffix}`;
    const now = new Date(nowMs());
    const clock = [now.getHours(), now.getMinutes(), now.getSeconds()].map((part) =>
      String(part).padStart(2, "0"),
    );
    const milliseconds = String(now.getMilliseconds()).padStart(3, "0");
    return `${clock.join(":")}.${milliseconds} ${shown}${suffix}`;
  };
}

function jsonFormatter({ timestamps, nowMs }: ConsoleFormat): (entry: LogEntry) => string {
  return ({ name, message, fields = {} }) => {
    const time = timestamps ? { t: new Date(nowMs()).toISOString() } : {};
    return toJson({ ...time, n: name, m: message, ...fields });
  };
}

function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "bigint" ? Number(item) : item,
  );
}
