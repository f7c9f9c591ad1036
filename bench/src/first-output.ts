import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { type Spread, spreadOf } from "./statistics.ts";

const MOVER = fileURLToPath(new URL("../../bin/mover", import.meta.url));
// Inside the container, so that the engine's own start does not count.
const IN_CONTAINER = `n=0; while [ $n -lt $0 ]; do n=$((n+1)); s=$(date +%s%N)
/mover-kopia/entry.sh 2>&1 | { read -r line; e=$(date +%s%N); echo "$(((e-s)/10000))"; cat >/dev/null; }; done`;
const PODMAN = ["--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--runtime", "/usr/sbin/runc"];
const LIMITS = ["--ulimit=nofile=1024:4096", "--ulimit=nproc=1024:4096"];

/** Milliseconds from the start of the mover's bundle to the first byte of its log. */
export async function moverFirstOutputMs(rounds: number): Promise<Spread> {
  const times: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const startMs = performance.now();
    const child = spawn(MOVER, [], {
      env: { PATH: process.env["PATH"], KOPIA_ENGINE_BUNDLE: "1" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(child.stdout, "data");
    // The first round fills the compile cache, which images bring with them.
    if (round > 0) times.push(performance.now() - startMs);
    child.stdout.resume();
    await once(child, "close");
  }
  return spreadOf(times);
}

/** The same for the entry of an image, within a running container. @throws Error when podman does not run it. */
export function imageFirstOutputMs(image: string, rounds: number): Spread {
  const words = ["run", "--rm", "--network=none", "--read-only", "--tmpfs=/tmp:rw,mode=1777"];
  const done = spawnSync(
    "podman",
    [
      ...PODMAN,
      ...words,
      ...LIMITS,
      "--entrypoint=bash",
      image,
      "-c",
      IN_CONTAINER,
      String(rounds),
    ],
    { encoding: "utf8" },
  );
  if (done.status !== 0) throw new Error(`podman run ${image}: ${done.stderr}`);
  return spreadOf(
    done.stdout
      .trim()
      .split("\n")
      .map((text) => Number(text) / 100),
  );
}
