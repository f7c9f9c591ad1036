import { statSync, writeFileSync } from "node:fs";

/** The kubelet keeps so much (spec 4 §2.11 keeps 1024 of the log). */
const MAX_MESSAGE_BYTES = 2048;

/**
 * Leaves the end of the log, which holds the cause, where the cluster shows it. Only when the file exists: the
 * container runtime makes it. A Job never fails for it.
 */
export function writeTerminationMessage(path: string, lines: readonly string[]): void {
  try {
    if (!statSync(path).isFile()) return;
    const text = Buffer.from(`${lines.join("\n")}\n`);
    writeFileSync(path, text.subarray(Math.max(0, text.length - MAX_MESSAGE_BYTES)));
  } catch {
    // Not there, or not ours.
  }
}
