/** Where a mover's lines go: one line a call, without its end. */
export type LineWriter = (line: string) => void;

/** The mover's log: the prefixes that the operator's filter and people know (spec 4 §2.1, §2.11). */
export interface MoverLog {
  info(text: string): void;
  warn(text: string): void;
  /** A soft error: the run goes on. */
  error(text: string): void;
  /** A line without prefix, for phrases that tools match whole. */
  plain(line: string): void;
  /** Only seen with `KOPIA_FILE_LOG_LEVEL=debug`. */
  debug(text: string): void;
  /** The fatal error: on standard output, after a blank line (spec 4 §2.1). */
  fatal(text: string): void;
  timing(text: string): void;
}

/** How lines are written. */
export interface MoverLogOptions {
  readonly stdout: LineWriter;
  readonly stderr: LineWriter;
  readonly format?: "text" | "json";
  readonly debug?: boolean;
  /** Texts that never appear: the password and other values of the Job's secrets. */
  readonly secrets?: readonly string[];
  /** For JSON lines: now, as RFC 3339. */
  readonly now?: () => string;
}

/** Shorter texts are no secrets worth hiding, and hiding them would tear ordinary words. */
const MIN_SECRET_LENGTH = 4;
const REDACTED = "[REDACTED]";
/** Longer lines end the operator's reading (spec 4 §2.11). */
const MAX_LINE_LENGTH = 16_384;

/** Log that writes soft errors to `stderr` and everything else to `stdout`, without secrets. */
export function createMoverLog(options: MoverLogOptions): MoverLog {
  const { stdout, stderr, format = "text", debug = false } = options;
  const secrets = (options.secrets ?? [])
    .filter((secret) => secret.length >= MIN_SECRET_LENGTH)
    .toSorted((a, b) => b.length - a.length);
  const redact = (text: string): string =>
    secrets.reduce((line, secret) => line.replaceAll(secret, REDACTED), text);
  const write = (line: { to: LineWriter; level: string; prefix: string; text: string }): void => {
    for (const part of redact(line.text).split("\n")) {
      const text = part.length > MAX_LINE_LENGTH ? `${part.slice(0, MAX_LINE_LENGTH)}…` : part;
      const { level } = line;
      if (format === "json") stdout(JSON.stringify({ time: options.now?.(), level, msg: text }));
      else line.to(line.prefix + text);
    }
  };
  const at = (level: string, prefix: string, to: LineWriter) => (text: string) =>
    write({ to, level, prefix, text });
  const fatal = at("fatal", "ERROR: ", stdout);
  return {
    info: at("info", "INFO: ", stdout),
    warn: at("warn", "WARN: ", stdout),
    timing: at("info", "TIMING: ", stdout),
    error: at("error", "ERROR: ", stderr),
    plain: at("info", "", stdout),
    debug: debug ? at("debug", "DEBUG: ", stdout) : () => {},
    fatal: (text) => {
      if (format === "text") stdout("");
      fatal(text);
    },
  };
}
