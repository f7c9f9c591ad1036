import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/**
 * Small file systems in memory that outlive a Job and that nothing else on the machine sees: they are mounted
 * in a mount namespace that a waiting process keeps. It ends with this process, whatever happens, and its mounts with it.
 */
export class PrivateDisks {
  readonly #keeper: ChildProcessByStdio<Writable, Readable, null>;

  private constructor(keeper: ChildProcessByStdio<Writable, Readable, null>) {
    this.#keeper = keeper;
  }

  static async open(): Promise<PrivateDisks> {
    const script = "mount --make-rprivate / && echo ready && exec cat >/dev/null";
    const keeper = spawn("unshare", ["--mount", "sh", "-c", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(keeper.stdout, "data");
    return new PrivateDisks(keeper);
  }

  /** Words before a command that is to see the disks at their own paths. */
  get enter(): readonly string[] {
    return ["nsenter", "-t", String(this.#keeper.pid), "--mount", "--"];
  }

  /** Mounts a file system over a directory. @returns its path for processes outside. */
  mount(path: string, { sizeBytes, uid }: { sizeBytes: number; uid: number }): string {
    const options = `size=${sizeBytes},mode=755,uid=${uid},gid=${uid}`;
    this.#run(["mount", "-t", "tmpfs", "-o", options, "disk", path]);
    return `/proc/${this.#keeper.pid}/root${path}`;
  }

  resize(path: string, sizeBytes: number): void {
    this.#run(["mount", "-o", `remount,size=${sizeBytes}`, path]);
  }

  close(): void {
    this.#keeper.stdin.end();
  }

  #run(words: readonly string[]): void {
    const [program = "", ...rest] = [...this.enter, ...words];
    const done = spawnSync(program, rest, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`${words.join(" ")} failed: ${done.stderr}`);
  }
}
