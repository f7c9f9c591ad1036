import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One finished run of a program, as the operating system accounts for it. */
export interface ProcessMeasurement {
  readonly exitCode: number;
  readonly wallSeconds: number;
  /** User and system seconds of the program and its children. */
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
  readonly stderr: string;
}

/** A command line with its environment. */
export interface MeasuredCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const SAMPLE_MS = 5;
// bash's `time` keyword accounts for the finished child; its figures go to file descriptor 3.
const TIMED = 'TIMEFORMAT="%R %U %S"; { time "$0" "$@" 2>&4; } 4>&2 2>&3';

/** Runs a program to its end. Linux with bash only: needs `/proc`. */
export async function measureProcess(run: MeasuredCommand): Promise<ProcessMeasurement> {
  const child = spawn("bash", ["-c", TIMED, run.command, ...run.args], {
    env: run.env,
    stdio: ["ignore", "ignore", "pipe", "pipe"],
  });
  let stderr = "";
  let figures = "";
  let peakMemoryBytes = 0;
  const sampler = setInterval(() => {
    peakMemoryBytes = Math.max(peakMemoryBytes, peakOfChildren(child.pid));
  }, SAMPLE_MS);
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.stdio[3]?.on("data", (data: Buffer) => (figures += data.toString("utf8")));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  }).finally(() => clearInterval(sampler));
  const [wall = 0, user = 0, system = 0] = figures.trim().split(/\s+/).map(Number);
  return { exitCode, wallSeconds: wall, cpuSeconds: user + system, peakMemoryBytes, stderr };
}

function peakOfChildren(pid: number | undefined): number {
  if (pid === undefined) return 0;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return Math.max(0, ...children.filter((id) => id !== "").map(highWaterMark));
  } catch {
    return 0; // it ended between two samples
  }
}

function highWaterMark(pid: string): number {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib ?? 0) * 1024;
}
