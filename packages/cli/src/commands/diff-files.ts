import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ObjectStore } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { makeDirectories } from "@kopia-engine/kopia-format";

/** Exit codes of `diff` beyond this are failures. */
const DIFFERENT = 1;

/** Runs a command on pairs of files of the repository, restored into a private directory as `old/…` and `new/…`. */
export class FileDiffer implements Disposable {
  readonly #context: CommandContext;
  readonly #objects: ObjectStore;
  readonly #command: readonly string[];
  #directory: string | undefined;

  constructor(context: CommandContext, objects: ObjectStore, command: string) {
    this.#context = context;
    this.#objects = objects;
    this.#command = command.split(" ").filter((word) => word !== "");
  }

  /** Compares one file; a side that is absent is `/dev/null`. */
  async compare(
    path: string,
    { first, second }: { first?: DirectoryEntry; second?: DirectoryEntry },
  ): Promise<void> {
    const oldPath = await this.#place("old", path, first);
    const newPath = await this.#place("new", path, second);
    const [program = "diff", ...words] = this.#command;
    const done = spawnSync(program, [...words, oldPath, newPath], {
      cwd: this.#root(),
      env: { ...this.#context.io.env, KOPIA_PASSWORD: undefined },
      encoding: "utf8",
      maxBuffer: 2 ** 30,
    });
    if (done.stdout) this.#context.out.write(done.stdout);
    if (done.stderr) this.#context.log.warning(done.stderr.trimEnd());
    if (done.error !== undefined || (done.status ?? 0) > DIFFERENT)
      this.#context.log.warning(`${this.#command.join(" ")} failed on ${path}`);
    for (const side of [oldPath, newPath])
      if (side !== "/dev/null") rmSync(join(this.#root(), side), { force: true });
  }

  [Symbol.dispose](): void {
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true });
  }

  async #place(side: string, path: string, entry: DirectoryEntry | undefined): Promise<string> {
    if (entry === undefined) return "/dev/null";
    // Names inside the repository are one component each; `..` and the like never come this far.
    const relative = join(side, ...path.split("/").filter((part) => part !== "." && part !== ".."));
    const target = join(this.#root(), relative);
    makeDirectories(dirname(target));
    const file = openSync(target, "wx", 0o600);
    try {
      const reader = await this.#objects.openObject(entry.objectId);
      for await (const piece of reader.chunks())
        for (let done = 0; done < piece.length;) done += writeSync(file, piece, done);
    } finally {
      closeSync(file);
    }
    return relative;
  }

  #root(): string {
    this.#directory ??= mkdtempSync(join(tmpdir(), "kopia-diff-"));
    return this.#directory;
  }
}
