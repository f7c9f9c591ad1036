import type { OutputSink } from "../cli-io.ts";

/** Log levels, most talkative first. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** A log level. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Values that belong to a message, such as a length. */
export type LogFields = Readonly<Record<string, LogValue>>;

/** A value of a log message. */
type LogValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly LogValue[]
  | { readonly [key: string]: LogValue };

/** One message. */
export interface LogEntry {
  readonly level: LogLevel;
  /** Which part of the program speaks; `kopia/cli` for commands. */
  readonly name: string;
  readonly message: string;
  /** How a person sees it where that is not the message, as beside a progress line. */
  readonly shown?: string;
  readonly fields?: LogFields;
}

/** Messages for people: always on stderr, results are on stdout (spec 3 §6.1). */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Logs under another name than the commands'. */
  entry(entry: LogEntry): void;
  /** Whether messages of that level go anywhere: spares work that nobody would see. */
  isHeard(level: LogLevel): boolean;
  /** From now on also tells every message of at least that level to a log file. */
  attachFile(level: LogLevel, write: (entry: LogEntry) => void): void;
  /** Writes text as it is, whatever the level is and however messages look. */
  text(text: string): void;
  /** Shows the state of work on one line of a terminal; nothing elsewhere. */
  progress(line: string): void;
  /** Ends the progress line, if there is one. */
  endProgress(): void;
  /** Whether `progress` shows anything. */
  readonly showsProgress: boolean;
  /** Whether messages on stderr are JSON. */
  readonly isJson: boolean;
  flush(): Promise<void>;
}

/** What `createLog` is told. */
export interface LogOptions {
  readonly sink: OutputSink;
  readonly level: LogLevel;
  /** Whether progress is shown; it must be wanted, or there must be a terminal. */
  readonly progress: boolean;
  /** How an entry looks on stderr. */
  readonly format: (entry: LogEntry) => string;
  readonly json: boolean;
}

/** Name under which commands log. */
export const CLI_LOG_NAME = "kopia/cli";

/** A log that writes to stderr at once and in order. */
export function createLog(options: LogOptions): Log {
  const { sink, json, format } = options;
  const threshold = LOG_LEVELS.indexOf(options.level);
  const showsProgress = options.progress;
  let fileThreshold: number = LOG_LEVELS.length;
  let writeFile: (entry: LogEntry) => void = () => {};
  let writes: Promise<void> = Promise.resolve();
  let progressLength = 0;
  const write = (text: string): void => {
    const previous = writes;
    const current = sink.write(text);
    writes = previous.then(() => current);
  };
  const endProgress = (): void => {
    if (progressLength > 0) write("\n");
    progressLength = 0;
  };
  const entry = (line: LogEntry): void => {
    const level = LOG_LEVELS.indexOf(line.level);
    if (level >= fileThreshold) writeFile(line);
    if (level < threshold) return;
    endProgress();
    write(`${format(line)}\n`);
  };
  const at = (level: LogLevel) => (message: string, fields?: LogFields) =>
    entry({ level, name: CLI_LOG_NAME, message, ...(fields === undefined ? {} : { fields }) });
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    entry,
    isHeard: (level) => LOG_LEVELS.indexOf(level) >= Math.min(threshold, fileThreshold),
    attachFile(level, writer) {
      fileThreshold = LOG_LEVELS.indexOf(level);
      writeFile = writer;
    },
    text(text) {
      endProgress();
      write(text);
    },
    showsProgress,
    isJson: json,
    progress(line) {
      if (!showsProgress) return;
      // A shorter line must hide the rest of a longer one.
      write(`\r${line.padEnd(progressLength)}`);
      progressLength = line.length;
    },
    endProgress,
    flush: () => writes,
  };
}
