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
}

/** Log that writes soft errors to `stderr` and everything else to `stdout`. */
export function createMoverLog(stdout: LineWriter, stderr: LineWriter): MoverLog {
  return {
    info: (text) => stdout(`INFO: ${text}`),
    warn: (text) => stdout(`WARN: ${text}`),
    error: (text) => stderr(`ERROR: ${text}`),
    plain: stdout,
  };
}
