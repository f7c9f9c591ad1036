import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatFlows, runFlows, saveFlows } from "./flows.ts";
import { runKernels, type KernelRow } from "./kernels.ts";

const [command, filter = ""] = process.argv.slice(2);
const kopiaExe = process.env["KOPIA_EXE"];

switch (command) {
  case "kernels":
    await runKernels({ minMs: 300, kopiaExe, filter }, printRow);
    break;
  case "flows":
    await flows(filter === "" ? tmpdir() : filter);
    break;
  default:
    console.error("usage: npx -y pnpm@12 bench kernels [FILTER] | flows [DIRECTORY]");
    console.error("KOPIA_EXE=/path/to/kopia measures the real program in turn and prints ratios.");
    console.error(
      "flows: ROUNDS (3), SMALL_FILES (100000), LARGE_MIB (2048); best in a memory file system",
    );
    process.exitCode = 2;
}

async function flows(parent: string): Promise<void> {
  // Measured is what images run: the bundle, made of the sources as they are.
  execFileSync(
    fileURLToPath(new URL("../../node_modules/.bin/rolldown", import.meta.url)),
    ["-c"],
    {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  const directory = mkdtempSync(join(parent, "kopia-engine-bench-"));
  try {
    const rows = await runFlows(
      {
        directory,
        rounds: Number(process.env["ROUNDS"] ?? 3),
        smallFileCount: Number(process.env["SMALL_FILES"] ?? 100_000),
        largeFileBytes: Number(process.env["LARGE_MIB"] ?? 2048) * 2 ** 20,
        kopiaExe,
      },
      (line) => console.error(line),
    );
    for (const line of formatFlows(rows)) console.log(line);
    console.log(`saved as ${saveFlows(rows)}`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function printRow(row: KernelRow): void {
  const columns = [
    row.kind.padEnd(10),
    row.name.padEnd(48),
    megabytes(row.bytesPerSecond),
    row.ratio === undefined ? "".padEnd(6) : `${(100 * row.ratio).toFixed(1)}%`.padStart(6),
  ];
  if (row.kopiaBytesPerSecond !== undefined) {
    const times = row.bytesPerSecond / row.kopiaBytesPerSecond;
    columns.push(`kopia ${megabytes(row.kopiaBytesPerSecond)}`, `× ${times.toFixed(2)}`);
  }
  console.log(columns.join(" "));
}

function megabytes(bytesPerSecond: number): string {
  return `${(bytesPerSecond / 1e6).toFixed(0).padStart(7)} MB/s`;
}
