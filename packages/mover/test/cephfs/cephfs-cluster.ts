import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** Programs of the Debian packages ceph-mon, ceph-mgr, ceph-osd, ceph-mds, ceph-fuse and ceph-common. */
const PROGRAMS = [
  "ceph",
  "monmaptool",
  "ceph-mon",
  "ceph-mgr",
  "ceph-osd",
  "ceph-mds",
  "ceph-fuse",
];
const DAEMONS = ["mds.a", "mgr.a", "osd.0", "mon.a"];
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** A real CephFS on this machine, mounted twice by clients that share nothing but the file system. */
export interface CephFs {
  /** Mount points of the two independent clients. */
  readonly mounts: readonly [string, string];
  /** Kills the client of one mount as a node that dies: its caches are lost, its open files with it. */
  killClient(mount: string): void;
  /** Mounts again what `killClient` took away. */
  remount(mount: string): void;
  /** Unmounts, stops every daemon and removes everything. */
  stop(): Promise<void>;
}

/** Why a CephFS cannot be started here, or `undefined` when it can. */
export function cephFsIsMissing(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs Linux and root";
  if (!existsSync("/dev/fuse")) return "needs /dev/fuse";
  const absent = PROGRAMS.filter(
    (name) => !PATH.split(":").some((directory) => existsSync(join(directory, name))),
  );
  return absent.length === 0 ? undefined : `needs ${absent.join(", ")}`;
}

/**
 * Starts a monitor, a manager, a memory-backed OSD and a metadata server on the loopback device,
 * without authentication, and mounts the file system twice. Takes about ten seconds.
 */
export async function startCephFs(): Promise<CephFs> {
  const directory = mkdtempSync(join(tmpdir(), "cephfs-"));
  const mounts = [join(directory, "mount-a"), join(directory, "mount-b")] as const;
  try {
    await writeConfiguration(directory);
    await startDaemons(directory);
    for (const mount of mounts) {
      mkdirSync(mount);
      mountClient(directory, mount);
    }
  } catch (error) {
    await stop(directory, mounts);
    throw error;
  }
  return {
    mounts,
    killClient: (mount) => {
      killDaemon(pidFile(directory, mount), "SIGKILL");
      spawnSync("umount", ["--lazy", mount], { env: { PATH } });
    },
    remount: (mount) => mountClient(directory, mount),
    stop: () => stop(directory, mounts),
  };
}

async function writeConfiguration(directory: string): Promise<void> {
  for (const name of ["run", "log", "mon", "mgr", "osd", "mds"]) mkdirSync(join(directory, name));
  const settings: Readonly<Record<string, string | number>> = {
    fsid: randomUUID(),
    "mon host": `127.0.0.1:${await freePort()}`,
    "mon initial members": "a",
    "auth cluster required": "none",
    "auth service required": "none",
    "auth client required": "none",
    keyring: "/dev/null",
    "public addr": "127.0.0.1",
    "ms bind ipv6": "false",
    "run dir": join(directory, "run"),
    "admin socket": join(directory, "run/$cluster-$name.$pid.asok"),
    "pid file": join(directory, "run/$name.pid"),
    "log file": join(directory, "log/$name.log"),
    "log to stderr": "false",
    "mon data": join(directory, "mon"),
    "mgr data": join(directory, "mgr"),
    "osd data": join(directory, "osd"),
    "mds data": join(directory, "mds"),
    "osd objectstore": "memstore",
    "memstore device bytes": 2 ** 31,
    "osd pool default size": 1,
    "osd pool default min size": 1,
    "osd crush chooseleaf type": 0,
    "mon allow pool size one": "true",
    "mon data avail crit": 1,
    "mgr initial modules": "",
    "client mount timeout": 20,
    // What one client changed reaches the other at the next tick: 5 s in production, too long for tests.
    "mds tick interval": 0.1,
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  writeFileSync(join(directory, "ceph.conf"), `[global]\n${lines.join("\n")}\n`);
}

async function startDaemons(directory: string): Promise<void> {
  const conf = ["-c", join(directory, "ceph.conf")];
  const settings = readFileSync(join(directory, "ceph.conf"), "utf8");
  const fsid = /^fsid = (.*)$/m.exec(settings)?.[1] ?? "";
  const monitor = /^mon host = (.*)$/m.exec(settings)?.[1] ?? "";
  const map = join(directory, "monmap");
  run("monmaptool", ["--create", "--fsid", fsid, "--add", "a", monitor, map]);
  run("ceph-mon", [...conf, "--mkfs", "-i", "a", "--monmap", map]);
  run("ceph-mon", [...conf, "-i", "a"]);
  // The OSD must be made with the uuid that the cluster knows it by, or it stays booting for ever.
  const osdUuid = randomUUID();
  run("ceph", [...conf, "osd", "new", osdUuid]);
  run("ceph-osd", [...conf, "--mkfs", "-i", "0", "--osd-uuid", osdUuid]);
  run("ceph-osd", [...conf, "-i", "0"]);
  run("ceph-mgr", [...conf, "-i", "a"]);
  for (const pool of ["metadata", "data"])
    run("ceph", [...conf, "osd", "pool", "create", pool, "8"]);
  run("ceph", [...conf, "fs", "new", "backups", "metadata", "data"]);
  run("ceph-mds", [...conf, "-i", "a"]);
  for (let attempt = 0; ; attempt++) {
    if (run("ceph", [...conf, "mds", "stat"]).includes("up:active")) return;
    if (attempt === 100)
      throw new Error(`the metadata server does not start: see ${directory}/log`);
    await delay(200);
  }
}

/** Each client has its own socket and PID file; otherwise the second one refuses to start. */
function mountClient(directory: string, mount: string): void {
  run("ceph-fuse", [
    "-c",
    join(directory, "ceph.conf"),
    `--pid-file=${pidFile(directory, mount)}`,
    `--admin-socket=${pidFile(directory, mount)}.asok`,
    mount,
  ]);
}

async function stop(directory: string, mounts: readonly string[]): Promise<void> {
  for (const mount of mounts) {
    if (spawnSync("fusermount", ["-u", mount], { env: { PATH } }).status !== 0)
      spawnSync("umount", ["--lazy", mount], { env: { PATH } });
    killDaemon(pidFile(directory, mount), "SIGKILL");
  }
  for (const daemon of DAEMONS) killDaemon(join(directory, "run", `${daemon}.pid`), "SIGKILL");
  await delay(200);
  const mounted = readFileSync("/proc/self/mounts", "utf8");
  for (const mount of mounts)
    if (mounted.includes(mount)) throw new Error(`${mount} is still mounted; nothing was removed`);
  rmSync(directory, { recursive: true, force: true });
}

function killDaemon(file: string, signal: NodeJS.Signals): void {
  if (!existsSync(file)) return;
  try {
    process.kill(Number(readFileSync(file, "utf8")), signal);
  } catch {
    // It is gone already.
  }
}

function pidFile(directory: string, mount: string): string {
  return join(directory, "run", mount.endsWith("a") ? "client-a.pid" : "client-b.pid");
}

function run(program: string, args: readonly string[]): string {
  const done = spawnSync(program, args, { encoding: "utf8", env: { PATH }, timeout: 60_000 });
  if (done.status !== 0)
    throw new Error(`${program} ${args.join(" ")} failed: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
