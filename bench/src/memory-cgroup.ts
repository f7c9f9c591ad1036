import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MeasuredCommand } from "./measure-process.ts";

const ROOT = "/sys/fs/cgroup";

interface Hierarchy {
  readonly root: string;
  readonly limitFile: string;
  /** File and word of the number of processes that were killed for memory. */
  readonly kills: readonly [file: string, word: string];
}

const V1: Hierarchy = {
  root: join(ROOT, "memory"),
  limitFile: "memory.limit_in_bytes",
  kills: ["memory.oom_control", "oom_kill"],
};
const V2: Hierarchy = { root: ROOT, limitFile: "memory.max", kills: ["memory.events", "oom_kill"] };

/** A control group that limits memory as a pod's does: file caches count, and what does not fit is killed. */
export class MemoryCgroup {
  readonly #hierarchy: Hierarchy;
  readonly #path: string;

  /** @throws Error where no limit can be set: it needs Linux with cgroups of either version, and root. */
  constructor(name: string, limitBytes: number) {
    this.#hierarchy = hierarchy();
    this.#path = join(this.#hierarchy.root, name);
    try {
      mkdirSync(this.#path);
      writeFileSync(join(this.#path, this.#hierarchy.limitFile), String(limitBytes));
    } catch (cause) {
      throw new Error(`no memory limit can be set in ${this.#path}: run as root`, { cause });
    }
  }

  /** The same command, which puts itself into the group first. */
  limit({ command, args, env }: MeasuredCommand): MeasuredCommand {
    const enter = 'echo $$ > "$0" && exec "$@"';
    const procs = join(this.#path, "cgroup.procs");
    return { command: "sh", args: ["-c", enter, procs, command, ...args], env };
  }

  /** How many processes the limit has cost so far. */
  get killCount(): number {
    const [file, word] = this.#hierarchy.kills;
    const text = readFileSync(join(this.#path, file), "utf8");
    return Number(new RegExp(`^${word} (\\d+)`, "m").exec(text)?.[1] ?? 0);
  }

  /** Removes the group; its processes must have ended. */
  [Symbol.dispose](): void {
    rmdirSync(this.#path);
  }
}

function hierarchy(): Hierarchy {
  if (existsSync(join(V1.root, V1.limitFile))) return V1;
  const controllers = join(ROOT, "cgroup.subtree_control");
  if (existsSync(controllers)) {
    if (readFileSync(controllers, "utf8").split(/\s/).includes("memory")) return V2;
    throw new Error(`${controllers} does not name memory: write +memory into it as root`);
  }
  throw new Error(`there is no memory control group below ${ROOT}: this bench needs cgroups`);
}
