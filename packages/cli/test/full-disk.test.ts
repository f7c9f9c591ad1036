import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const KOPIA = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));

/** Mounts a small memory file system; false where that is not allowed. */
function mountTiny(path: string): boolean {
  return spawnSync("mount", ["-t", "tmpfs", "-o", "size=12m", "tmpfs", path]).status === 0;
}

test("a full disk: exit 1 with what to do, earlier snapshots whole, nothing half-written", (context) => {
  const root = mkdtempSync(join(tmpdir(), "full-disk-"));
  const volume = join(root, "volume");
  const source = join(root, "source");
  mkdirSync(volume);
  mkdirSync(source);
  const kopia = (...args: string[]): { status: number | null; stderr: string } =>
    spawnSync(KOPIA, [`--config-file=${join(root, "config")}`, ...args], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: root, KOPIA_PASSWORD: "full-disk" },
    });
  if (!mountTiny(volume)) {
    rmSync(root, { recursive: true });
    context.skip("this user may not mount a file system");
    return;
  }
  try {
    const repository = join(volume, "repository");
    expect(kopia("repository", "create", "filesystem", `--path=${repository}`).status).toBe(0);
    writeFileSync(join(source, "kept"), randomBytes(3_000_000));
    expect(kopia("snapshot", "create", source).status).toBe(0);
    writeFileSync(join(source, "too-much"), randomBytes(30_000_000));
    const full = kopia("snapshot", "create", source);
    expect(full.status).toBe(1);
    expect(full.stderr).toContain("Free space on the storage");
    rmSync(join(source, "too-much"));
    expect(kopia("snapshot", "create", source).status).toBe(0);
    expect(kopia("snapshot", "verify", "--verify-files-percent=100").status).toBe(0);
    const files = readdirSync(repository, { recursive: true, encoding: "utf8" });
    expect(files.filter((file) => file.includes(".tmp."))).toEqual([]);
  } finally {
    execFileSync("umount", [volume]);
    rmSync(root, { recursive: true });
  }
});
