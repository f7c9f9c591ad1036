/** Lines of a restore Job's log that the operator keeps (spec 4 §2.11). */
export function keptOfRestore(log: string): string {
  const kept = log
    .split("\n")
    .filter(
      (line) =>
        /error|failed|unable to/i.test(line) ||
        [
          "=== Discovery Mode",
          "Available Snapshots",
          "No snapshots found",
          "Snapshot created successfully",
          "Snapshot restore completed",
          "Repository connected",
          "No eligible snapshots",
        ].some((phrase) => line.includes(phrase)) ||
        (line.includes('"userName"') && line.includes('"hostName"')) ||
        /^\S+@\S+:\S+ .*\d{4}-\d{2}-\d{2}/.test(line),
    )
    .join("\n");
  return Buffer.from(kept).subarray(-1024).toString();
}

/** What the operator parses out of the kept text: the requested identity and the available ones with their counts. */
export function parseKept(text: string): {
  readonly requested?: string;
  readonly available: Readonly<Record<string, number>>;
} {
  const requested = /No snapshots found for (\S+@\S+:\S+)/.exec(text)?.[1];
  const block = text.split("=== Discovery Mode: Available Snapshots ===")[1] ?? "";
  const available: Record<string, number> = {};
  for (const line of block.split("\n")) {
    const [, user, host] =
      /^\{.*"id".*"userName":"([^"]*)".*"hostName":"([^"]*)".*\}$/.exec(line) ?? [];
    if (user === undefined) continue;
    const identity = `${user}@${host}`;
    available[identity] = (available[identity] ?? 0) + 1;
  }
  return { ...(requested === undefined ? {} : { requested }), available };
}
