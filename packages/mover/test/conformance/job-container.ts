import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, test } from "vitest";
import { PrivateDisks } from "./private-disks.ts";

const CHECKOUT = fileURLToPath(new URL("../../../..", import.meta.url)).replace(/\/$/, "");
/** What of the machine's own root the container sees, read-only. */
const SYSTEM = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "etc"];
export const JOB_UID = 1000;

/** Why Jobs cannot be run in mount namespaces of their own here; `undefined` when they can. */
function containersAreMissing(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs Linux and root";
  const tried = spawnSync("unshare", ["--mount", "--pid", "--fork", "true"], { stdio: "ignore" });
  return tried.status === 0 ? undefined : "needs mount namespaces (unshare)";
}

const missing = containersAreMissing();

/** What the files of this suite share: a bench for every test, and tests that are skipped visibly without containers. */
export interface JobSuite {
  /** Of the running test. */
  readonly bench: JobBench;
  readonly check: (name: string, run: () => Promise<void>, timeoutMs?: number) => void;
  /** For cases that take long and whose kind another one shows as well: only with `MOVER_ALL=1`. */
  readonly checkMore: (name: string, run: () => Promise<void>) => void;
}

/** Sets up a suite. @param prepare runs before every test, on its new bench. */
export function jobSuite(prepare: (bench: JobBench) => Promise<void> | void = () => {}): JobSuite {
  let bench: JobBench | undefined;
  beforeEach(async () => {
    if (missing !== undefined) return;
    bench = new JobBench();
    await prepare(bench);
  }, 60_000);
  afterEach(() => bench?.dispose());
  return {
    get bench() {
      return bench as JobBench;
    },
    check: (name, run, timeoutMs) => define(name, run, missing, timeoutMs),
    checkMore: (name, run) => define(name, run, missing ?? moreIsMissing()),
  };
}

function define(
  name: string,
  run: () => Promise<void>,
  obstacle: string | undefined,
  timeoutMs = 300_000,
): void {
  const suffix = obstacle === undefined ? "" : ` (${obstacle})`;
  test.skipIf(obstacle !== undefined)(`${name}${suffix}`, run, timeoutMs);
}

function moreIsMissing(): string | undefined {
  return process.env["MOVER_ALL"] === undefined ? "needs MOVER_ALL=1" : undefined;
}

/** How a Job ended. */
export interface JobRun {
  readonly exitCode: number | null;
  readonly output: string;
  /** What the operator keeps of the log of a backup: the last kilobyte (spec 4 §2.11). */
  readonly lastKilobyte: string;
}

/** What a Job is given. */
export interface JobSpec {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Mount points, from directories of the test. Default: data, cache and repository. */
  readonly mounts?: Readonly<Record<string, string>>;
  readonly uid?: number;
  /** Mount points that are read-only. */
  readonly readOnly?: readonly string[];
  /** As a Job of uid 0 without capabilities, which VolSync starts by default. */
  readonly withoutCapabilities?: boolean;
  /** Without a writable `/tmp`, as in a maintenance Job that was made by hand. */
  readonly withoutTmp?: boolean;
  /** Sends SIGTERM once the output matches. */
  readonly terminateAt?: RegExp;
  /** Takes a mount away once the output matches, as a node that loses its storage does. */
  readonly vanishAt?: { readonly output: RegExp; readonly point: string };
  /** Directories that lie below mount points and show when the mount is gone. */
  readonly beneath?: Readonly<Record<string, string>>;
  readonly program?: readonly string[];
}

/**
 * Directories of one volume, cache and repository, and Jobs that see them as a VolSync pod does: a private mount
 * namespace, a read-only root, uid 1000 without a passwd entry, `HOME` unset, `/tmp` in memory.
 */
export class JobBench {
  readonly root = mkdtempSync(join(tmpdir(), "mover-job-"));
  readonly data = this.#make("data");
  /** As this process sees it: see `putOnDisk`. */
  cache = this.#make("cache");
  volume = this.#make("volume");
  readonly restored = this.#make("restored");
  #disks: PrivateDisks | undefined;

  /** Puts the cache or the repository's volume on a file system of its own, as large as given. */
  async putOnDisk(place: "cache" | "volume", sizeBytes: number): Promise<void> {
    this.#disks ??= await PrivateDisks.open();
    this[place] = this.#disks.mount(join(this.root, place), { sizeBytes, uid: JOB_UID });
  }

  /** Enlarges (or shrinks) what `putOnDisk` made. */
  resizeDisk(place: "cache" | "volume", sizeBytes: number): void {
    this.#disks?.resize(join(this.root, place), sizeBytes);
  }

  /** Runs `/mover-kopia/entry.sh` with the Job's environment. */
  async run(spec: JobSpec = {}): Promise<JobRun> {
    const mounts = spec.mounts ?? {
      "/data": this.data,
      "/cache": this.cache,
      "/repository": this.volume,
    };
    const isRestore = spec.args?.[0] === "restore";
    const own = isRestore ? { ...mounts, "/restore/data": this.restored } : mounts;
    const script = containerScript(own, spec);
    const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script];
    const [program = "", ...words] = [...(this.#disks?.enter ?? []), ...unshare];
    const child = spawn(program, words, {
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...jobEnvironment(spec, isRestore) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const events = eventsOf(spec);
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        for (const event of events.filter(({ at }) => at.test(output))) {
          events.splice(events.indexOf(event), 1);
          event.run(child.pid ?? 0);
        }
      });
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { exitCode, output, lastKilobyte: Buffer.from(output).subarray(-1024).toString() };
  }

  /** Removes everything. */
  dispose(): void {
    this.#disks?.close();
    rmSync(this.root, { recursive: true, force: true });
  }

  #make(name: string): string {
    const path = join(this.root, name);
    mkdirSync(path);
    chownSync(path, JOB_UID, JOB_UID);
    chmodSync(this.root, 0o755);
    return path;
  }
}

function jobEnvironment(
  { env = {} }: JobSpec,
  isRestore: boolean,
): Record<string, string | undefined> {
  return {
    DATA_DIR: isRestore ? "/restore/data" : "/data",
    KOPIA_CACHE_DIR: "/cache",
    KOPIA_PASSWORD: "conformance-password",
    KOPIA_REPOSITORY: "filesystem:///repository/repository",
    KOPIA_OVERRIDE_USERNAME: "atuin-src",
    KOPIA_OVERRIDE_HOSTNAME: "default",
    KOPIA_CACHE_CAPACITY_BYTES: "8589934592",
    PRIVILEGED_MOVER: "0",
    ...env,
  };
}

/** The container, made by hand: a root in memory with the system and the mounts bound into it. */
function containerScript(mounts: Readonly<Record<string, string>>, spec: JobSpec): string {
  const uid = spec.uid ?? JOB_UID;
  const system = SYSTEM.filter((name) => existsSync(`/${name}`));
  const program = spec.program ?? ["/mover-kopia/entry.sh"];
  const bare = ["/usr/bin/setpriv", "--bounding-set=-all", "--inh-caps=-all"];
  const prefix = spec.withoutCapabilities === true ? bare : [];
  const words = [...prefix, ...program, ...(spec.args ?? [])].map((word) => `'${word}'`).join(" ");
  return [
    "set -e",
    "mount --make-rprivate /",
    "R=$(mktemp -d)",
    "mount -t tmpfs -o mode=755 root $R",
    `for d in ${system.join(" ")}; do mkdir $R/$d; mount --bind /$d $R/$d; done`,
    "mkdir -p $R/proc $R/dev $R/tmp $R/mover-kopia",
    "mount -t proc proc $R/proc; mount --rbind /dev $R/dev",
    ...(spec.withoutTmp === true ? [] : ["mount -t tmpfs -o mode=1777 tmp $R/tmp"]),
    `mkdir -p $R${CHECKOUT}; mount --bind ${CHECKOUT} $R${CHECKOUT}`,
    ...[...Object.entries(spec.beneath ?? {}), ...Object.entries(mounts)].map(
      ([point, source]) => `mkdir -p $R${point}; mount --bind ${source} $R${point}`,
    ),
    ...(spec.readOnly ?? []).map((point) => `mount -o remount,bind,ro $R${point}`),
    // As in the image: one line that starts the mover.
    `printf '#!/bin/sh\\nexec ${CHECKOUT}/bin/mover "$@"\\n' > $R/mover-kopia/entry.sh`,
    "chmod 755 $R/mover-kopia/entry.sh",
    "mount -o remount,ro $R",
    "unset HOME",
    `exec chroot --userspec=${uid}:${uid} --groups= $R ${words}`,
  ].join("\n");
}

/** What happens to a running Job from outside, each once. */
function eventsOf({ terminateAt, vanishAt }: JobSpec) {
  const events: { readonly at: RegExp; readonly run: (unsharePid: number) => void }[] = [];
  if (terminateAt !== undefined)
    events.push({ at: terminateAt, run: (pid) => jobProcesses(pid).forEach(terminate) });
  if (vanishAt !== undefined)
    events.push({
      at: vanishAt.output,
      run: (pid) => jobProcesses(pid).forEach((job) => takeAway(job, vanishAt.point)),
    });
  return events;
}

/** The mover is the only process directly below the one that made the namespace. */
function jobProcesses(unsharePid: number): string[] {
  const children = spawnSync("pgrep", ["-P", String(unsharePid)], { encoding: "utf8" });
  return children.stdout.split("\n").filter(Boolean);
}

function terminate(pid: string): void {
  spawnSync("kill", ["-TERM", pid], { stdio: "ignore" });
}

function takeAway(pid: string, point: string): void {
  const words = ["-t", pid, "--mount", "--pid", "--root", "--", "umount", "--lazy", point];
  const done = spawnSync("nsenter", words, { encoding: "utf8" });
  if (done.status !== 0) throw new Error(`${point} was not taken away: ${done.stderr}`);
}
