/**
 * A command failed. The message is the line Kopia would print; the cause, usually a `KopiaError`, says
 * what really happened and what to do next.
 */
export class CommandError extends Error {
  static {
    Object.defineProperty(this.prototype, "name", { value: "CommandError" });
  }
}
