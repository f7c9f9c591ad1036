import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/** One finished run of a program, as the operating system accounts for it. */
export interface ProcessMeasurement {
  readonly exitCode: number;
  readonly wallSeconds: number;
  /** User and system seconds of the program and its children. */
  readonly cpuSeconds: number;
  /** Of the largest process: the program or one below it. */
  readonly peakMemoryBytes: number;
  /** Bytes that it asked the system for and gave to it, whether or not they came from a disk. */
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line with its environment. */
export interface MeasuredCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

const SAMPLE_MS = 5;
const MAX_OUTPUT_CHARACTERS = 10_000;
// bash's `time` keyword accounts for the finished child; its figures go to file descriptor 3.
const TIMED = 'TIMEFORMAT="%R %U %S"; { time "$0" "$@" 2>&4; } 4>&2 2>&3';

/** Runs a program to its end. Linux with bash only: needs `/proc`. */
export async function measureProcess(run: MeasuredCommand): Promise<ProcessMeasurement> {
  const child = spawn("bash", ["-c", TIMED, run.command, ...run.args], {
    env: run.env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let figures = "";
  let sample: Sample = { peakMemoryBytes: 0, readBytes: 0, writtenBytes: 0 };
  const sampler = setInterval(() => {
    sample = largest(sample, sampleChildren(child.pid));
  }, SAMPLE_MS);
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout = (stdout + text).slice(0, MAX_OUTPUT_CHARACTERS);
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-MAX_OUTPUT_CHARACTERS);
  });
  child.stdio[3]?.on("data", (data: Buffer) => (figures += data.toString("utf8")));
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  }).finally(() => clearInterval(sampler));
  const [wallSeconds = 0, user = 0, system = 0] = figures.trim().split(/\s+/).map(Number);
  return { exitCode, wallSeconds, cpuSeconds: user + system, ...sample, stdout, stderr };
}

interface Sample {
  readonly peakMemoryBytes: number;
  readonly readBytes: number;
  readonly writtenBytes: number;
}

function largest(a: Sample, b: Sample): Sample {
  return {
    peakMemoryBytes: Math.max(a.peakMemoryBytes, b.peakMemoryBytes),
    readBytes: Math.max(a.readBytes, b.readBytes),
    writtenBytes: Math.max(a.writtenBytes, b.writtenBytes),
  };
}

function sampleChildren(pid: number | undefined): Sample {
  const nothing: Sample = { peakMemoryBytes: 0, readBytes: 0, writtenBytes: 0 };
  if (pid === undefined) return nothing;
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return children
      .flatMap((id) => (id === "" ? [] : [sampleProcess(id), sampleChildren(Number(id))]))
      .reduce(largest, nothing);
  } catch {
    return nothing; // it ended between two samples
  }
}

function sampleProcess(pid: string): Sample {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const io = readFileSync(`/proc/${pid}/io`, "utf8");
  return {
    peakMemoryBytes: numberAfter(status, /^VmHWM:\s+(\d+) kB/m) * 1024,
    readBytes: numberAfter(io, /^rchar: (\d+)/m),
    writtenBytes: numberAfter(io, /^wchar: (\d+)/m),
  };
}

function numberAfter(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
