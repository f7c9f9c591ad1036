import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, test } from "vitest";

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
  readonly check: (name: string, run: () => Promise<void>) => void;
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
    check: (name, run) => {
      const suffix = missing === undefined ? "" : ` (${missing})`;
      test.skipIf(missing !== undefined)(`${name}${suffix}`, run, 180_000);
    },
  };
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
  /** Sends SIGTERM once the output matches. */
  readonly terminateAt?: RegExp;
  readonly program?: readonly string[];
}

/**
 * Directories of one volume, cache and repository, and Jobs that see them as a VolSync pod does: a private mount
 * namespace, a read-only root, uid 1000 without a passwd entry, `HOME` unset, `/tmp` in memory.
 */
export class JobBench {
  readonly root = mkdtempSync(join(tmpdir(), "mover-job-"));
  readonly data = this.#make("data");
  readonly cache = this.#make("cache");
  readonly volume = this.#make("volume");
  readonly restored = this.#make("restored");

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
    const child = spawn(
      "unshare",
      ["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", script],
      {
        env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", ...jobEnvironment(spec, isRestore) },
        stdio: ["ignore", "pipe", "pipe"],
      },
    );
    let output = "";
    let isTerminated = false;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (isTerminated || spec.terminateAt?.test(output) !== true) return;
        isTerminated = true;
        terminateNode(child.pid ?? 0);
      });
    const [exitCode] = (await once(child, "close")) as [number | null];
    return { exitCode, output, lastKilobyte: Buffer.from(output).subarray(-1024).toString() };
  }

  /** Removes everything. */
  dispose(): void {
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
  const words = [...program, ...(spec.args ?? [])].map((word) => `'${word}'`).join(" ");
  return [
    "set -e",
    "mount --make-rprivate /",
    "R=$(mktemp -d)",
    "mount -t tmpfs -o mode=755 root $R",
    `for d in ${system.join(" ")}; do mkdir $R/$d; mount --bind /$d $R/$d; done`,
    "mkdir -p $R/proc $R/dev $R/tmp $R/mover-kopia",
    "mount -t proc proc $R/proc; mount --rbind /dev $R/dev",
    "mount -t tmpfs -o mode=1777 tmp $R/tmp",
    `mkdir -p $R${CHECKOUT}; mount --bind ${CHECKOUT} $R${CHECKOUT}`,
    ...Object.entries(mounts).map(
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

/** The mover is the only Node below the namespace's first process. */
function terminateNode(unsharePid: number): void {
  const children = spawnSync("pgrep", ["-P", String(unsharePid)], { encoding: "utf8" });
  for (const pid of children.stdout.split("\n").filter(Boolean))
    spawnSync("kill", ["-TERM", pid], { stdio: "ignore" });
}
