import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** Tag of an image that `packages/mover/image/build-image.sh` built. */
const IMAGE = process.env["MOVER_IMAGE"] ?? "";
const PODMAN = ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime", "/usr/sbin/runc"];

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "mover-image-"));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Run {
  readonly exitCode: number | null;
  readonly output: string;
}

/** Runs the image as a pod would: no network, read-only root, no capabilities, `/tmp` in memory. */
function container(
  uid: number,
  args: readonly string[],
  options: { env?: Record<string, string>; entrypoint?: string } = {},
): Run {
  const mounts = {
    data: "/data",
    cache: "/cache",
    volume: "/repository",
    restored: "/restore/data",
  };
  for (const name of Object.keys(mounts)) {
    mkdirSync(join(root, name), { recursive: true });
    chownSync(join(root, name), uid, uid);
  }
  const env = {
    DATA_DIR: args[0] === "restore" ? "/restore/data" : "/data",
    KOPIA_CACHE_DIR: "/cache",
    KOPIA_PASSWORD: "image-password",
    KOPIA_REPOSITORY: "filesystem:///repository/repository",
    KOPIA_OVERRIDE_USERNAME: "atuin-src",
    KOPIA_OVERRIDE_HOSTNAME: "default",
    ...options.env,
  };
  const words = [
    ...PODMAN,
    "run",
    "--rm",
    "--network=none",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--tmpfs=/tmp:rw,mode=1777",
    "--ulimit=nofile=1024:4096",
    "--ulimit=nproc=1024:4096",
    `--user=${uid}:${uid}`,
    ...Object.entries(mounts).map(([name, place]) => `--volume=${join(root, name)}:${place}`),
    ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    ...(options.entrypoint === undefined ? [] : [`--entrypoint=${options.entrypoint}`]),
    IMAGE,
    ...args,
  ];
  const done = spawnSync("podman", words, { encoding: "utf8" });
  return { exitCode: done.status, output: done.stdout + done.stderr };
}

describe.skipIf(IMAGE === "")("the image (needs MOVER_IMAGE)", () => {
  test.each([1000, 54_321])(
    "backup, restore and maintenance as uid %i",
    (uid) => {
      mkdirSync(join(root, "data"));
      writeFileSync(join(root, "data", "file.txt"), "precious");
      const backup = container(uid, ["backup"]);
      expect(backup.exitCode, backup.output).toBe(0);
      expect(backup.output).toContain("INFO: Snapshot created successfully");
      const restore = container(uid, ["restore"]);
      expect(restore.exitCode, restore.output).toBe(0);
      expect(readFileSync(join(root, "restored", "file.txt"), "utf8")).toBe("precious");
      const upkeep = container(uid, [], { env: { DIRECTION: "maintenance" } });
      expect(upkeep.exitCode, upkeep.output).toBe(0);
      expect(upkeep.output).toContain("MAINTENANCE_STATUS: SUCCESS");
    },
    120_000,
  );

  test("kopia is on the path, with the bill of materials beside it", () => {
    const version = container(1000, ["--version"], { entrypoint: "kopia" });
    expect(version.exitCode, version.output).toBe(0);
    expect(version.output).toContain("kopia-engine");
    const sbom = container(1000, ["/usr/share/kopia-engine/sbom.cdx.json"], { entrypoint: "cat" });
    expect((JSON.parse(sbom.output) as { bomFormat: string }).bomFormat).toBe("CycloneDX");
  }, 120_000);

  test("a repository on the image's own root is refused", () => {
    mkdirSync(join(root, "data"));
    writeFileSync(join(root, "data", "file.txt"), "precious");
    const run = container(1000, ["backup"], {
      env: { KOPIA_REPOSITORY: "filesystem:///kopia/repository" },
    });
    expect(run.exitCode).toBe(1);
    expect(run.output).toContain("is not on a mounted volume");
  }, 120_000);
});
