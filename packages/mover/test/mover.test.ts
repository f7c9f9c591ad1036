import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const BIN = fileURLToPath(new URL("../../../bin", import.meta.url));

let root: string;
let job: Record<string, string>;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mover-"));
  for (const name of ["data", "cache", "volume"]) mkdirSync(join(root, name));
  writeFileSync(join(root, "data", "file.txt"), "precious");
  job = {
    DATA_DIR: join(root, "data"),
    KOPIA_CACHE_DIR: join(root, "cache"),
    KOPIA_REPOSITORY: `filesystem://${join(root, "volume", "repository")}`,
    KOPIA_PASSWORD: "mover-test",
    KOPIA_OVERRIDE_USERNAME: "app-src",
    KOPIA_OVERRIDE_HOSTNAME: "namespace",
  };
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface MoverRun {
  readonly exitCode: number | null;
  readonly output: string;
}

function mover(args: readonly string[], env: Record<string, string | undefined> = {}): MoverRun {
  const run = spawnSync(join(BIN, "mover"), args, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], HOME: root, ...job, ...env },
  });
  return { exitCode: run.status, output: run.stdout + run.stderr };
}

function snapshots(): { id: string; source: object; retentionReason?: string[] }[] {
  const run = spawnSync(join(BIN, "kopia"), ["snapshot", "list", "--all", "--json"], {
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: root,
      KOPIA_PASSWORD: "mover-test",
      KOPIA_CONFIG_PATH: join(root, "cache", "kopia.config"),
    },
  });
  return JSON.parse(run.stdout) as ReturnType<typeof snapshots>;
}

describe("backup", () => {
  test("creates the repository, stores the identity and the Job's retention", () => {
    const first = mover(["backup"], {
      KOPIA_RETAIN_LATEST: "2",
      KOPIA_COMPRESSION: "zstd-fastest",
    });
    expect(first.output).toContain("INFO: Snapshot created successfully");
    expect(first.exitCode).toBe(0);
    expect(snapshots()).toMatchObject([
      { source: { host: "namespace", userName: "app-src", path: join(root, "data") } },
    ]);
    const policy = spawnSync(join(BIN, "kopia"), ["policy", "list", "--json"], {
      encoding: "utf8",
      env: {
        PATH: process.env["PATH"],
        HOME: root,
        KOPIA_PASSWORD: "mover-test",
        KOPIA_CONFIG_PATH: join(root, "cache", "kopia.config"),
      },
    });
    expect(JSON.parse(policy.stdout)).toContainEqual(
      expect.objectContaining({
        target: { host: "namespace", userName: "app-src", path: join(root, "data") },
        compression: { compressorName: "zstd-fastest" },
        retention: { keepLatest: 2 },
      }),
    );
  });

  test("an empty volume is skipped without touching the repository", () => {
    rmSync(join(root, "data", "file.txt"));
    mkdirSync(join(root, "data", "lost+found"));
    const run = mover(["backup"]);
    expect(run.output).toContain("== Directory is empty skipping backup ===");
    expect(run.exitCode).toBe(0);
    expect(existsSync(join(root, "volume", "repository"))).toBe(false);
  });

  test("a wrong password never creates or changes anything", () => {
    expect(mover(["backup"]).exitCode).toBe(0);
    const before = readdirSync(join(root, "volume", "repository"), { recursive: true }).length;
    const run = mover(["backup"], { KOPIA_PASSWORD: "other" });
    expect(run.exitCode).toBe(1);
    expect(run.output).toMatch(/password/i);
    expect(run.output).not.toContain("other");
    expect(readdirSync(join(root, "volume", "repository"), { recursive: true }).length).toBe(
      before,
    );
  });

  test("a volume that is not mounted is not written to", () => {
    rmSync(join(root, "volume"), { recursive: true });
    const run = mover(["backup"]);
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("not mounted");
    expect(existsSync(join(root, "volume"))).toBe(false);
  });

  test("foreign data at the repository's place is named and left alone", () => {
    mkdirSync(join(root, "volume", "repository"));
    writeFileSync(join(root, "volume", "repository", "photo.jpg"), "x");
    const run = mover(["backup"]);
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("photo.jpg");
    expect(readdirSync(join(root, "volume", "repository"))).toEqual(["photo.jpg"]);
  });

  test.skipIf(process.getuid?.() === 0)(
    "an unreadable file fails the Job but stores the rest (root reads everything)",
    () => {
      writeFileSync(join(root, "data", "secret"), "x");
      chmodSync(join(root, "data", "secret"), 0);
      const run = mover(["backup"]);
      expect(run.exitCode).toBe(1);
      expect(run.output).toContain("secret: ");
      expect(snapshots().length).toBe(1);
    },
  );
});

describe("restore", () => {
  test("brings back the latest snapshot of exactly this identity", () => {
    expect(mover(["backup"]).exitCode).toBe(0);
    writeFileSync(join(root, "data", "file.txt"), "newer");
    expect(mover(["backup"]).exitCode).toBe(0);
    const target = join(root, "restored");
    mkdirSync(target);
    const env = { DATA_DIR: target, KOPIA_SOURCE_PATH_OVERRIDE: join(root, "data") };
    const latest = mover(["restore"], env);
    expect(latest.output).toContain("INFO: Snapshot restore completed successfully");
    expect(latest.exitCode).toBe(0);
    expect(readFileSync(join(target, "file.txt"), "utf8")).toBe("newer");
    expect(mover(["restore"], { ...env, KOPIA_PREVIOUS: "1" }).exitCode).toBe(0);
    expect(readFileSync(join(target, "file.txt"), "utf8")).toBe("precious");
  });

  test("nothing found is a success that lists who is there", () => {
    expect(mover(["backup"]).exitCode).toBe(0);
    const run = mover(["restore"], {
      KOPIA_OVERRIDE_USERNAME: "nobody-src",
      KOPIA_DISCOVER_SNAPSHOTS: "true",
    });
    expect(run.exitCode).toBe(0);
    expect(run.output).toContain(
      `No snapshots found for nobody-src@namespace:${join(root, "data")}`,
    );
    expect(run.output).toMatch(
      /^\{"id":"[0-9a-f]{32}","userName":"app-src","hostName":"namespace"/m,
    );
    expect(run.output).toContain("=== No data will be restored ===");
  });

  test("a first installation has no repository yet: nothing is restored, nothing is created", () => {
    const run = mover(["restore"]);
    expect(run.exitCode).toBe(0);
    expect(run.output).toContain("No eligible snapshots found");
    expect(existsSync(join(root, "volume", "repository"))).toBe(false);
  });
});

describe("words", () => {
  test.each([
    [["foo"], 2, "unknown operation: foo"],
    [["maintenance"], 1, "maintenance is not an argument any more"],
    [[], 0, "OPERATION_RESULT: SUCCESS"],
  ] as const)("%j ends with %i", (args, exitCode, text) => {
    const run = mover(args);
    expect(run.exitCode).toBe(exitCode);
    expect(run.output).toContain(text);
  });

  test("a missing variable is named", () => {
    const run = mover(["backup"], { KOPIA_PASSWORD: "" });
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("ERROR: KOPIA_PASSWORD must be defined");
  });
});

test("the demo passes on a directory of one's own", () => {
  const demo = fileURLToPath(new URL("../src/demo/main.ts", import.meta.url));
  const run = spawnSync(process.execPath, [demo, join(root, "data"), "--no-keep"], {
    encoding: "utf8",
  });
  expect(run.stdout).toContain("Everything restored bit for bit.");
  expect(run.status).toBe(0);
});
