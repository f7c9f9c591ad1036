import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One finished program run. */
export interface ProcessRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly seconds: number;
  /** Highest resident memory seen, in bytes; `undefined` where the system does not tell. */
  readonly peakMemoryBytes: number | undefined;
}

/** What to run and where its lines are shown meanwhile. */
export interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called with every line of standard output and error. */
  readonly onLine?: (line: string) => void;
}

const MEMORY_SAMPLE_MS = 25;

/** Runs a program to its end and collects its output, time and peak memory. */
export async function runProcess(options: ProcessOptions): Promise<ProcessRun> {
  const started = performance.now();
  const child = spawn(options.command, options.args, {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let peakMemoryBytes: number | undefined;
  const sampler = setInterval(() => {
    const seen = child.pid === undefined ? undefined : peakMemoryOf(child.pid);
    if (seen !== undefined) peakMemoryBytes = Math.max(peakMemoryBytes ?? 0, seen);
  }, MEMORY_SAMPLE_MS);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    emitLines(text, options.onLine);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => emitLines(text, options.onLine));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === null ? 1 : 128)));
  }).finally(() => clearInterval(sampler));
  return { exitCode, stdout, seconds: (performance.now() - started) / 1000, peakMemoryBytes };
}

function emitLines(text: string, onLine: ((line: string) => void) | undefined): void {
  if (onLine === undefined) return;
  for (const line of text.split(/[\r\n]+/)) if (line.trim() !== "") onLine(line);
}

/** The kernel's own high-water mark of a process (Linux). */
function peakMemoryOf(pid: number): number | undefined {
  try {
    const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return kib === undefined ? undefined : Number(kib) * 1024;
  } catch {
    return undefined; // ended meanwhile, or not Linux
  }
}
