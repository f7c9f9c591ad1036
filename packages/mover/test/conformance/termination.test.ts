import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { type JobRun, jobSuite } from "./job-container.ts";
import { JUDGES, kopia, snapshotsOf } from "./repository-view.ts";

const MIB = 2 ** 20;
const suite = jobSuite(async (own) => {
  writeFileSync(join(own.data, "file.txt"), "precious");
  const run = await own.run({ args: ["backup"] });
  expect(run.exitCode, run.output).toBe(0);
});
const { check, checkMore } = suite;

const WARNING = "WARN: Received SIGTERM signal - pod is being terminated";

/** Work for seconds that stores next to nothing: zeros. */
function addLongWork(): string {
  const path = join(suite.bench.data, "z-sparse");
  writeFileSync(path, "");
  truncateSync(path, 1000 * MIB);
  return path;
}

function expectStopped(run: JobRun): void {
  expect(run.exitCode, run.output).toBe(143);
  expect(run.output).toContain(WARNING);
  expect(run.lastKilobyte).toContain("OPERATION_RESULT: FAILURE");
  expect(run.lastKilobyte).toContain("EXIT_CODE: 143");
}

function verifyAll(): void {
  for (const judge of JUDGES)
    kopia(suite.bench, ["snapshot", "verify", "--verify-files-percent=100"], judge);
}

describe("SIGTERM and a backup", () => {
  check("at the start: 143, nothing is stored, not even an empty snapshot", async () => {
    expectStopped(await suite.bench.run({ args: ["backup"], terminateAt: /Starting kopia mover/ }));
    expect(snapshotsOf(suite.bench)).toHaveLength(1);
    const next = await suite.bench.run({ args: ["backup"] });
    expect(next.exitCode, next.output).toBe(0);
  });

  check(
    "in the middle: 143, what was stored is a checkpoint that the next run reuses",
    async () => {
      writeFileSync(join(suite.bench.data, "a-large"), randomBytes(25 * MIB));
      const long = addLongWork();
      expectStopped(await suite.bench.run({ args: ["backup"], terminateAt: /Snapshotting/ }));
      verifyAll();
      truncateSync(long, 0);
      const next = await suite.bench.run({ args: ["backup"] });
      expect(next.exitCode, next.output).toBe(0);
      verifyAll();
      const restore = await suite.bench.run({ args: ["restore"] });
      expect(restore.exitCode, restore.output).toBe(0);
      expect(readFileSync(join(suite.bench.restored, "a-large"))).toEqual(
        readFileSync(join(suite.bench.data, "a-large")),
      );
    },
  );

  checkMore("after the snapshot: it is complete, so 0; no upkeep is begun", async () => {
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_AFTER_SNAPSHOT: "echo tidying; sleep 60" },
      terminateAt: /tidying/,
    });
    expect(run.exitCode, run.output).toBe(0);
    expect(run.output).toContain(WARNING);
    expect(run.output).toContain("INFO: Snapshot created successfully");
    expect(run.output).toContain("WARN: After-snapshot action failed: the Job is being terminated");
    expect(run.lastKilobyte).toContain("OPERATION_RESULT: SUCCESS");
    expect(snapshotsOf(suite.bench)).toHaveLength(2);
    verifyAll();
  });

  checkMore("with a cache that is 90 % full: 137 and what to do", async () => {
    writeFileSync(join(suite.bench.cache, "filler"), Buffer.alloc(2 * MIB, 1));
    const run = await suite.bench.run({
      args: ["backup"],
      env: { KOPIA_CACHE_CAPACITY_BYTES: String(2 * MIB) },
      terminateAt: /Starting kopia mover/,
    });
    expect(run.exitCode, run.output).toBe(137);
    expect(run.lastKilobyte).toContain("ERROR: CACHE EXHAUSTION DETECTED");
    expect(run.lastKilobyte).toContain("cacheCapacity");
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
  });
});

describe("SIGTERM and a restore", () => {
  checkMore("at the start: 143, and the next one works", async () => {
    expectStopped(
      await suite.bench.run({ args: ["restore"], terminateAt: /Starting kopia mover/ }),
    );
    expect((await suite.bench.run({ args: ["restore"] })).exitCode).toBe(0);
  });

  checkMore("in the middle: never a success without all files", async () => {
    for (let index = 0; index < 3000; index++)
      writeFileSync(join(suite.bench.data, `file-${index}`), `text ${index}`);
    expect((await suite.bench.run({ args: ["backup"] })).exitCode).toBe(0);
    const run = await suite.bench.run({ args: ["restore"], terminateAt: /Selected snapshot/ });
    const isWhole = existsSync(join(suite.bench.restored, "file-999"));
    if (run.exitCode === 0) expect(run.output).toContain("Snapshot restore completed successfully");
    else expectStopped(run);
    expect(run.exitCode === 0).toBe(run.exitCode === 0 && isWhole);
    expect((await suite.bench.run({ args: ["restore"] })).exitCode).toBe(0);
    expect(readFileSync(join(suite.bench.restored, "file-2999"), "utf8")).toBe("text 2999");
  });
});

describe("SIGTERM and the other directions", () => {
  for (const direction of ["maintenance", "drill", "verify"] as const)
    (direction === "maintenance" ? check : checkMore)(
      `${direction}: 143, and the next run works`,
      async () => {
        const env = { DIRECTION: direction };
        expectStopped(await suite.bench.run({ env, terminateAt: /Starting kopia mover/ }));
        const next = await suite.bench.run({ env });
        expect(next.exitCode, next.output).toBe(0);
        verifyAll();
      },
    );
});
