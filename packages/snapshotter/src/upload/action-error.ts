/** An essential action failed: the folder it stands before is not read. The message is the one that Kopia stores. */
export class ActionError extends Error {
  /** What is told where the folder is the snapshot's root. */
  readonly reason: string;

  constructor(message: string, reason: string) {
    super(message);
    this.reason = reason;
  }
}
