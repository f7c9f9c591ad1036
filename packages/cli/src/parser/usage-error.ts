/** The command line itself is wrong; the message is the one Kopia prints after `kopia: error: `. */
export class UsageError extends Error {
  static {
    Object.defineProperty(this.prototype, "name", { value: "UsageError" });
  }
}
