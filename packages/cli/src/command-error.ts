/** What `CommandError` is told beyond its message. */
export interface CommandErrorOptions extends ErrorOptions {
  /** Default 1; commands that Kopia has know no other (spec 3 §6.1). */
  readonly exitCode?: number;
}

/**
 * A command failed. The message is the line Kopia would print; the cause, usually a `KopiaError`, says
 * what really happened and what to do next.
 */
export class CommandError extends Error {
  static {
    Object.defineProperty(this.prototype, "name", { value: "CommandError" });
  }

  readonly exitCode: number;

  constructor(message: string, options: CommandErrorOptions = {}) {
    const { exitCode = 1, ...rest } = options;
    super(message, rest);
    this.exitCode = exitCode;
  }
}
