import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import type { SeededChoices } from "./seeded-choices.ts";
import type { TreeModel } from "./snapshot-ledger.ts";

const NAMES = ["a", "b", "c", "sub/d", "sub/e", "sub/f"];
/** Few, so that contents are met again: by other files, by other writers, after they were garbage. */
const CONTENT_COUNT = 9;

/** Bytes of a content of the simulation. */
export function contentBytes(content: number): Uint8Array {
  return seededBytes(content, 40 + ((content * 379) % 900));
}

let root: string | undefined;

/** Where the trees of this process are; removed by `removeSourceTrees`. */
function sourceRoot(): string {
  root ??= mkdtempSync(join(tmpdir(), "kopia-simulation-"));
  return root;
}

/** Removes all trees of this process. */
export function removeSourceTrees(): void {
  if (root !== undefined) rmSync(root, { recursive: true, force: true });
  root = undefined;
}

/** A small tree on disk that one writer backs up, with times of the simulated clock. */
export class SourceTree {
  readonly path: string;
  readonly #files = new Map<string, number>();
  readonly #newest: number[] = [];

  constructor(writer: string) {
    this.path = join(sourceRoot(), writer);
    rmSync(this.path, { recursive: true, force: true });
    mkdirSync(join(this.path, "sub"), { recursive: true });
  }

  get model(): TreeModel {
    return this.#files;
  }

  /** Changes a few files: new contents, contents of before, files that come and go. */
  change(choices: SeededChoices, seconds: number): void {
    const count = this.#files.size === 0 ? NAMES.length : 1 + choices.below(3);
    for (let i = 0; i < count; i++) {
      const name =
        this.#files.size === 0 || i >= NAMES.length
          ? choices.pick(NAMES)
          : (NAMES[(choices.below(NAMES.length) + i) % NAMES.length] as string);
      this.#set(name, choices.chance(0.15) ? undefined : 1 + choices.below(CONTENT_COUNT), seconds);
    }
    if (this.#files.size === 0) this.#set("a", 1, seconds);
    // Directories too, or the real clock would be part of the snapshots.
    for (const directory of [join(this.path, "sub"), this.path])
      utimesSync(directory, seconds, seconds);
  }

  #set(name: string, content: number | undefined, seconds: number): void {
    const path = join(this.path, name);
    if (content === undefined) {
      this.#files.delete(name);
      rmSync(path, { force: true });
      return;
    }
    this.#files.set(name, content);
    writeFileSync(path, contentBytes(content));
    utimesSync(path, seconds, seconds);
    this.#newest.push(content);
  }
}
