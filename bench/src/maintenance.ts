import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { measureProcess, type ProcessMeasurement } from "./measure-process.ts";
import { writeManyContents } from "./many-contents.ts";

/** What is measured. */
export interface MaintenanceBenchOptions {
  readonly directory: string;
  readonly contentCount: number;
  readonly rounds: number;
  /** The real program, for ratios. */
  readonly kopiaExe: string | undefined;
}

const OURS = fileURLToPath(new URL("../../bin/kopia", import.meta.url));
const COMMANDS: readonly (readonly string[])[] = [
  ["maintenance", "run", "--full"],
  ["maintenance", "run", "--full", "--safety=none"],
  ["maintenance", "run"],
  ["content", "verify"],
];

/** Maintains a repository of very many contents with both programs in turn, each on a copy of its own. */
export async function runMaintenanceBench(
  options: MaintenanceBenchOptions,
  onRow: (line: string) => void,
): Promise<void> {
  const { directory, contentCount, rounds, kopiaExe } = options;
  const client = { username: "bench", hostname: "bench" };
  const template = join(directory, "template");
  mkdirSync(template);
  await writeManyContents({ path: template, password: "bench", contentCount, client });
  const programs = [["engine", OURS] as const];
  for (let round = 0; round < rounds; round++) {
    for (const [name, command] of kopiaExe === undefined
      ? programs
      : [...programs, ["kopia", kopiaExe] as const]) {
      const place = join(directory, `${name}-${round}`);
      mkdirSync(place);
      cpSync(template, join(place, "repo"), { recursive: true, preserveTimestamps: true });
      const run = (...args: readonly string[]): Promise<ProcessMeasurement> =>
        measureProcess({ command, args, env: environment(place) });
      await run(
        "repository",
        "connect",
        "filesystem",
        `--path=${place}/repo`,
        "--override-username=bench",
        "--override-hostname=bench",
      );
      for (const args of COMMANDS) {
        const { exitCode, wallSeconds, cpuSeconds, peakMemoryBytes, stderr } = await run(...args);
        if (exitCode !== 0) throw new Error(`${name} ${args.join(" ")}: ${stderr.slice(-2000)}`);
        const memory = `${Math.round(peakMemoryBytes / 2 ** 20)} MiB`;
        onRow(
          [
            name.padEnd(7),
            args.join(" ").padEnd(40),
            `${wallSeconds.toFixed(2)} s`,
            `(CPU ${cpuSeconds.toFixed(2)} s)`,
            memory,
          ].join(" "),
        );
      }
      rmSync(place, { recursive: true });
    }
  }
}

function environment(place: string): Record<string, string | undefined> {
  return {
    PATH: process.env["PATH"],
    HOME: place,
    TZ: "UTC",
    KOPIA_CONFIG_PATH: join(place, "config"),
    KOPIA_CACHE_DIRECTORY: join(place, "cache"),
    KOPIA_LOG_DIR: join(place, "log"),
    KOPIA_PASSWORD: "bench",
    KOPIA_CHECK_FOR_UPDATES: "false",
    KOPIA_ENGINE_BUNDLE: "1",
  };
}
