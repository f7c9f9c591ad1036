import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
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
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CephFs, cephFsIsMissing, startCephFs } from "./cephfs-cluster.ts";

const BIN = fileURLToPath(new URL("../../../../bin", import.meta.url));
const PASSWORD = "cephfs-test";
const missing = cephFsIsMissing();
const realKopia = process.env["KOPIA_EXE"];

let ceph: CephFs;
let scratch: string;

beforeAll(async () => {
  if (missing !== undefined) return;
  ceph = await startCephFs();
  scratch = mkdtempSync(join(tmpdir(), "mover-cephfs-"));
}, 60_000);

afterAll(async () => {
  if (missing !== undefined) return;
  await ceph.stop();
  rmSync(scratch, { recursive: true, force: true });
}, 60_000);

interface Run {
  readonly child: ChildProcess;
  readonly finished: Promise<{ readonly exitCode: number | null; readonly output: string }>;
}

function start(program: string, args: readonly string[], env: Record<string, string>): Run {
  const child = spawn(program, args, {
    env: { PATH: process.env["PATH"], HOME: scratch, KOPIA_PASSWORD: PASSWORD, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return {
    child,
    finished: once(child, "close").then(([exitCode]) => ({ exitCode: exitCode as number, output })),
  };
}

/** One Job: its own volume and cache, the repository through one of the two mounts. */
function mover(name: string, mount: string, data = join(scratch, name)): Run {
  return start(join(BIN, "mover"), ["backup"], {
    DATA_DIR: data,
    KOPIA_CACHE_DIR: directory(`${name}-cache`),
    KOPIA_REPOSITORY: `filesystem://${mount}/repository`,
    KOPIA_OVERRIDE_USERNAME: `${name}-src`,
    KOPIA_OVERRIDE_HOSTNAME: "default",
    KOPIA_SOURCE_PATH_OVERRIDE: "/data",
  });
}

function directory(name: string): string {
  const path = join(scratch, name);
  mkdirSync(path, { recursive: true });
  return path;
}

function writeVolume(name: string, generation: number): void {
  const path = directory(name);
  for (let index = 0; index < 200; index++)
    writeFileSync(
      join(path, `file-${index}`),
      `${name} ${generation} ${index}\n`.repeat(index + 1),
    );
  writeFileSync(join(path, "database"), Buffer.alloc(8 * 2 ** 20, `${name} ${generation} `));
}

/** The command line, connected through a mount with a cache of its own. */
async function kopia(mount: string, ...args: readonly string[]): Promise<string> {
  return runConnected(join(BIN, "kopia"), mount, args);
}

async function runConnected(program: string, mount: string, args: readonly string[]) {
  const own = directory(`client-${program === realKopia ? "real" : "ours"}-${mount.at(-1)}`);
  const env = {
    KOPIA_CONFIG_PATH: join(own, "repository.config"),
    KOPIA_CACHE_DIRECTORY: join(own, "cache"),
    KOPIA_LOG_DIR: join(own, "logs"),
    KOPIA_CHECK_FOR_UPDATES: "false",
  };
  const runOne = async (words: readonly string[]) => {
    const { exitCode, output } = await start(program, words, env).finished;
    expect(exitCode, `${words.join(" ")}: ${output}`).toBe(0);
    return output;
  };
  if (!existsSync(env.KOPIA_CONFIG_PATH))
    await runOne(["repository", "connect", "filesystem", `--path=${mount}/repository`]);
  return runOne(args);
}

describe("movers on a real CephFS", () => {
  test.skipIf(missing !== undefined)(
    `four movers, maintenance and a verifier at once through two mounts, one mover killed${missing ? ` (${missing})` : ""}`,
    async () => {
      const [a, b] = ceph.mounts;
      const names = ["atuin", "bookshelf", "emby", "grafana"];
      for (const name of names) writeVolume(name, 1);
      const first = await mover("atuin", a).finished;
      expect(first.exitCode, first.output).toBe(0);
      expect(spawnSync("ls", [`${b}/repository/kopia.repository.f`]).status).toBe(0);
      for (const name of names.slice(1)) {
        const { exitCode, output } = await mover(name, b).finished;
        expect(exitCode, output).toBe(0);
      }
      const before = await kopia(b, "snapshot", "list", "--all", "--json");
      expect(JSON.parse(before)).toHaveLength(4);

      for (const name of names) writeVolume(name, 2);
      const victim = mover("atuin", a);
      const survivors = names.slice(1).map((name, index) => mover(name, index % 2 === 0 ? a : b));
      await kopia(a, "maintenance", "set", "--owner=me");
      const upkeep = kopia(a, "maintenance", "run", "--full");
      const verifier = kopia(b, "snapshot", "verify", "--verify-files-percent=100");
      await delay(400);
      victim.child.kill("SIGKILL");
      await victim.finished;
      for (const survivor of survivors) {
        const { exitCode, output } = await survivor.finished;
        expect(exitCode, output).toBe(0);
      }
      await upkeep;
      await verifier;

      const again = await mover("atuin", b).finished;
      expect(again.exitCode, again.output).toBe(0);
      for (const mount of ceph.mounts)
        await kopia(mount, "snapshot", "verify", "--verify-files-percent=100");
      await expectRestores(a, before);
      if (realKopia !== undefined)
        await runConnected(realKopia, a, ["snapshot", "verify", "--verify-files-percent=100"]);
    },
    180_000,
  );

  test.skipIf(missing !== undefined)(
    `a node that dies in mid-backup leaves earlier snapshots whole${missing ? ` (${missing})` : ""}`,
    async () => {
      const [a, b] = ceph.mounts;
      writeVolume("jellyfin", 1);
      expect((await mover("jellyfin", a).finished).exitCode).toBe(0);
      const before = await kopia(b, "snapshot", "list", "--all", "--json");
      writeVolume("jellyfin", 2);
      const doomed = mover("jellyfin", a);
      await delay(500);
      ceph.killClient(a);
      const lost = await doomed.finished;
      expect(lost.exitCode, lost.output).not.toBe(0);
      expect(readdirSync(a), "written below the place of the vanished mount").toEqual([]);
      await expectRestores(b, before);
      const next = await mover("jellyfin", b).finished;
      expect(next.exitCode, next.output).toBe(0);
      await kopia(b, "snapshot", "verify", "--verify-files-percent=100");
      ceph.remount(a);
      await kopia(a, "snapshot", "verify", "--verify-files-percent=100");
    },
    180_000,
  );

  test.skipIf(missing !== undefined)(
    `a volume snapshot is backed up from .snap, and its second run stores nothing new${missing ? ` (${missing})` : ""}`,
    async () => {
      const [a, b] = ceph.mounts;
      const volume = join(a, "volume");
      mkdirSync(join(volume, ".snap"), { recursive: true });
      for (let index = 0; index < 50; index++)
        writeFileSync(join(volume, `entry-${index}`), `kept ${index}`);
      for (const snapshot of ["first", "second"]) {
        mkdirSync(join(volume, ".snap", snapshot));
        writeFileSync(join(volume, "entry-0"), `changed after ${snapshot}`);
        const copy = join(volume, ".snap", snapshot);
        const { exitCode, output } = await mover("volume", b, copy).finished;
        expect(exitCode, output).toBe(0);
      }
      const [first, second] = JSON.parse(
        await kopia(b, "snapshot", "list", "--all", "--json", "volume-src@default:/data"),
      ) as { readonly stats: { readonly cachedFiles?: number } }[];
      expect(first?.stats.cachedFiles ?? 0).toBe(0);
      // Only the file that changed between the two volume snapshots is read again.
      expect(second?.stats.cachedFiles).toBe(49);
      const target = directory("volume-restored");
      await kopia(
        b,
        "snapshot",
        "restore",
        (await latest(b, "volume-src@default:/data")) ?? "",
        target,
      );
      expect(readFileSync(join(target, "entry-0"), "utf8")).toBe("changed after first");
    },
    180_000,
  );
});

async function latest(mount: string, source: string): Promise<string | undefined> {
  const list = JSON.parse(await kopia(mount, "snapshot", "list", "--json", source)) as {
    readonly id: string;
  }[];
  return list.at(-1)?.id;
}

/** Every snapshot of an earlier listing restores with the bytes of its generation. */
async function expectRestores(mount: string, listing: string): Promise<void> {
  const snapshots = JSON.parse(listing) as {
    readonly id: string;
    readonly source: { readonly userName: string };
  }[];
  for (const { id, source } of snapshots) {
    const target = directory(`restored-${id}`);
    await kopia(mount, "snapshot", "restore", id, target);
    const name = source.userName.replace(/-src$/, "");
    expect(readFileSync(join(target, "file-7"), "utf8")).toMatch(new RegExp(`^${name} [12] 7\\n`));
    rmSync(target, { recursive: true });
  }
}
