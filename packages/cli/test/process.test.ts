import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const LAUNCHER = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));
const IS_ROOT = process.getuid?.() === 0;
const MOUNT = "mount";
const UNMOUNT = "umount";
/** Root may read everything, so these runs are made as somebody else. */
const NOBODY = 65_534;

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "kopia-process-"));
  mkdirSync(join(path, "source"));
  if (IS_ROOT) for (const name of [".", "source"]) chownSync(join(path, name), NOBODY, NOBODY);
});

afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

function kopia(argv: readonly string[], extra: { readonly input?: string } = {}) {
  return spawnSync(LAUNCHER, argv, {
    encoding: "utf8",
    cwd: path,
    env: {
      PATH: process.env["PATH"],
      HOME: path,
      TZ: "UTC",
      KOPIA_PASSWORD: "test-password",
      KOPIA_CONFIG_PATH: join(path, "repository.config"),
    },
    ...(IS_ROOT ? { uid: NOBODY, gid: NOBODY } : {}),
    ...extra,
  });
}

test("files that cannot be read are named, the rest is stored, the exit code is 1", () => {
  writeFileSync(join(path, "source", "good"), "good");
  writeFileSync(join(path, "source", "bad"), "bad");
  chmodSync(join(path, "source", "bad"), 0);
  mkdirSync(join(path, "source", "closed"), { mode: 0 });
  expect(kopia(["repository", "create", "filesystem", `--path=${path}/repo`]).status).toBe(0);
  const { status, stderr } = kopia(["snapshot", "create", "source"]);
  expect(status).toBe(1);
  expect(stderr).toContain(
    `Error when processing "bad": unable to open file: unable to open local file: open ${path}/source/bad: permission denied\n`,
  );
  expect(stderr).toContain('Error when processing "closed": ');
  expect(stderr).toMatch(/Created snapshot with root k[0-9a-f]{32} and ID [0-9a-f]{32} in 0s/);
  expect(stderr).toContain("Found 2 fatal error(s) while snapshotting ");
  expect(kopia(["snapshot", "list"]).stdout).toContain("files:1 dirs:1 errors:2 (latest-1");
});

test("standard input of the process is stored as it is", () => {
  kopia(["repository", "create", "filesystem", `--path=${path}/repo`]);
  const argv = ["snapshot", "create", "--stdin-file=x", `${path}/virtual`, "--json"];
  const { stdout } = kopia(argv, { input: "from a pipe\n" });
  const { id } = JSON.parse(stdout) as { readonly id: string };
  expect(kopia(["show", `${id}/x`]).stdout).toBe("from a pipe\n");
});

/** A small file system of its own, where this user may mount one. */
function canMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "kopia-mount-"));
  try {
    execFileSync(MOUNT, ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory], {
      stdio: "ignore",
    });
    execFileSync(UNMOUNT, [directory]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test.skipIf(!canMount())(
  "a full disk fails the run and leaves earlier snapshots whole (needs mount)",
  () => {
    const repo = join(path, "repo");
    mkdirSync(repo);
    execFileSync(MOUNT, ["-t", "tmpfs", "-o", "size=4m,mode=777", "tmpfs", repo]);
    try {
      writeFileSync(join(path, "source", "small"), "small");
      expect(kopia(["repository", "create", "filesystem", `--path=${repo}/r`]).status).toBe(0);
      expect(kopia(["snapshot", "create", "source"]).status).toBe(0);
      const noise = new Uint8Array(8 << 20);
      for (let i = 0; i < noise.length; i += 65_536)
        crypto.getRandomValues(noise.subarray(i, i + 65_536));
      writeFileSync(join(path, "source", "large"), noise);
      const { status, stderr } = kopia(["snapshot", "create", "source"]);
      expect(status).toBe(1);
      expect(stderr).toContain("(STORAGE_FULL)");
      expect(kopia(["snapshot", "list", "--json"]).stdout.split("\n")).toHaveLength(3);
      expect(kopia(["snapshot", "verify", "--verify-files-percent=100"]).status).toBe(0);
    } finally {
      execFileSync(UNMOUNT, [repo]);
    }
  },
);
