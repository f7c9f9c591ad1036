import type { OutputSink } from "../cli-io.ts";

/** Console log levels, most talkative first. */
export const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;

/** A console log level. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Messages for people: always on stderr, results are on stdout (spec 3 §6.1). */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warning(message: string): void;
  error(message: string): void;
  /** Shows the state of work on one line of a terminal; nothing elsewhere. */
  progress(line: string): void;
  /** Ends the progress line, if there is one. */
  endProgress(): void;
  /** Whether `progress` shows anything. */
  readonly showsProgress: boolean;
  flush(): Promise<void>;
}

/** What `createLog` is told. */
export interface LogOptions {
  readonly sink: OutputSink;
  readonly level: LogLevel;
  readonly progress: boolean;
}

/** A log that writes to stderr at once and in order. */
export function createLog(options: LogOptions): Log {
  const { sink } = options;
  const threshold = LOG_LEVELS.indexOf(options.level);
  const showsProgress = options.progress && sink.isTerminal;
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
  const at = (level: LogLevel) => (message: string) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    endProgress();
    write(`${message}\n`);
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warning: at("warning"),
    error: at("error"),
    showsProgress,
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
