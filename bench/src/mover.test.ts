import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryCgroup } from "./memory-cgroup.ts";
import { runMoverBench } from "./mover.ts";

const LIMIT_BYTES = 256 * 2 ** 20;

function limitsAreMissing(): boolean {
  try {
    new MemoryCgroup(`kopia-engine-bench-test-${process.pid}`, LIMIT_BYTES)[Symbol.dispose]();
    return false;
  } catch {
    return true;
  }
}

const missing = limitsAreMissing();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mover-bench-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test.skipIf(missing)(
  "[8.1/resources] Jobs pass within 256 MiB (needs root and cgroups; the full sizes: bench mover)",
  async () => {
    const { rows } = await runMoverBench(
      {
        directory,
        scale: 0.005,
        limitBytes: LIMIT_BYTES,
        kopiaExe: undefined,
        image: undefined,
        startRounds: 0,
        fromSource: true,
      },
      () => {},
    );
    expect(rows.map(({ job, exitCode, failure }) => [job, exitCode, failure])).toEqual([
      ["first backup", 0, undefined],
      ["unchanged backup", 0, undefined],
      ["maintenance", 0, undefined],
    ]);
  },
  180_000,
);
