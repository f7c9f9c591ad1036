import type { Clock, RandomBytes } from "@kopia-engine/kopia-format";

/** A place to write to. */
export interface OutputSink {
  /** True for a terminal: only there progress is shown. */
  readonly isTerminal: boolean;
  /** Writes all of it; resolves when more can be taken. */
  write(data: string | Uint8Array): Promise<void>;
}

/** Where input comes from. */
export interface InputSource {
  readonly isTerminal: boolean;
  /** Everything that arrives, until the end. */
  bytes(): AsyncIterable<Uint8Array>;
  /** Asks a person, without showing what is typed. Only for a terminal. */
  readSecret(prompt: string): Promise<string>;
}

/** Everything a command line may touch outside of the repository: nothing else reaches for `process`. */
export interface CliIo {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Process ID, for names of log files. */
  readonly pid: number;
  /** Absolute current directory, for relative paths. */
  readonly cwd: string;
  readonly stdin: InputSource;
  readonly stdout: OutputSink;
  readonly stderr: OutputSink;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: the system's. */
  readonly random?: RandomBytes;
  /** Aborts when the user interrupts (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  /**
   * From now on a signal ends the process at once, with a message and exit code 1: for work that survives its end
   * at any point and has nothing to store first.
   */
  readonly endOnInterrupt?: () => void;
}
