import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { JobContext } from "./job-context.ts";

/** Longest run of an action (spec 4 §2.7 step 2). */
const ACTION_LIMIT_MS = 300_000;
/** How long a shell may take to end after it was asked to. */
const KILL_AFTER_MS = 5000;

/**
 * Runs a command line of the Job in this container: `bash -c`, with the Job's environment (spec 4 §2.7). What
 * it prints goes to the log.
 * @returns why it failed, `undefined` when it did not.
 */
export async function runAction(
  commandLine: string,
  context: JobContext,
  limitMs = ACTION_LIMIT_MS,
): Promise<string | undefined> {
  const { log, clock, signal } = context;
  const child = spawn("bash", ["-c", commandLine], {
    env: context.env,
    stdio: ["ignore", "pipe", "pipe"],
    // Its own group: what the shell started is stopped with it.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on("line", (line) => log.plain(`  ${line}`));
  const ended = new AbortController();
  const closed = once(child, "close").then(
    ([code, killedBy]) => outcome(code as number | null, killedBy as string | null),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const stopped = Promise.race([
    clock.sleep(limitMs, ended.signal).then(() => `no end after ${limitMs / 1000} s`),
    aborted(signal, ended.signal),
  ]);
  try {
    const first = await Promise.race([closed, stopped.catch(() => closed)]);
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined)
      return first;
    killGroup(child.pid, "SIGTERM");
    await Promise.race([closed, clock.sleep(KILL_AFTER_MS, ended.signal)]);
    killGroup(child.pid, "SIGKILL");
    return first;
  } finally {
    ended.abort();
  }
}

function outcome(code: number | null, killedBy: string | null): string | undefined {
  if (code === 0) return undefined;
  return code === null ? `killed by ${killedBy}` : `exit code ${code}`;
}

function aborted(signal: AbortSignal, until: AbortSignal): Promise<string> {
  return new Promise((resolve) => {
    const stop = (): void => resolve("the Job is being terminated");
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    until.addEventListener("abort", () => signal.removeEventListener("abort", stop), {
      once: true,
    });
  });
}

function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended.
  }
}
