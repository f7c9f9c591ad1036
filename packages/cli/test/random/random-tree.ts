import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { readTree } from "@kopia-engine/test-fixtures";
import type { Dice } from "./dice.ts";

const NAMES = ["a", "b.txt", "c.bin", "d.tmp", "é", " space", "new\nline", "x".repeat(200), "Z"];
const SIZES = [0, 1, 700, 70_000, 400_000, 1_500_000];

/** Adds, changes, moves and removes a few files, links and directories. */
export function changeTree(source: string, dice: Dice): void {
  mkdirSync(source, { recursive: true });
  for (let i = 2 + dice.below(8); i > 0; i--) {
    const directory = join(source, ...Array.from({ length: dice.below(4) }, () => dice.one(NAMES)));
    if (!makeDirectory(directory, source)) continue;
    const path = join(directory, `f${dice.one(NAMES)}`);
    const action = dice.below(8);
    if (action === 0) rmSync(path, { force: true, recursive: true });
    else if (action === 1) replaceByLink(path, dice.one(NAMES));
    else if (action === 2) makeDirectory(`${path}.d`, source);
    else if (action === 3 && isFile(path)) renameSync(path, `${path}2`);
    else if (action === 4 && isFile(path)) chmodSync(path, dice.one([0o400, 0o644, 0o755, 0o4755]));
    else writeContents(path, dice);
  }
}

function writeContents(path: string, dice: Dice): void {
  const size = dice.one(SIZES);
  const data = seededBytes(dice.below(1000), Math.max(1, size)).subarray(0, size);
  const text = dice.oneIn(2) ? data : data.map((byte) => 97 + (byte & 3));
  if (isFile(path) && dice.oneIn(2)) appendFileSync(path, text);
  else {
    rmSync(path, { force: true, recursive: true });
    writeFileSync(path, text);
  }
}

function makeDirectory(path: string, source: string): boolean {
  for (let parent = path; parent.length > source.length; parent = join(parent, "..")) {
    const found = lstatSync(parent, { throwIfNoEntry: false });
    if (found !== undefined && !found.isDirectory()) return false;
  }
  mkdirSync(path, { recursive: true });
  return true;
}

function replaceByLink(path: string, target: string): void {
  rmSync(path, { force: true, recursive: true });
  symlinkSync(target, path);
}

function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** What a restored tree is compared by. */
export type ComparableTree = readonly (readonly unknown[])[];

/** Directories come back with other times, links with rounded ones (spec 2 §10.2). */
export function treeOf(path: string): ComparableTree {
  return readTree(path).map(([name, type, mode, size, mtimeNs, digest]) =>
    type === "f"
      ? [name, type, mode, size, String(mtimeNs), digest]
      : [name, type, type === "d" ? mode : "", digest],
  );
}

/** A tree without what the ignore rule `*.tmp` leaves out. */
export function withoutTemporary(tree: ComparableTree): ComparableTree {
  return tree.filter(([name]) => {
    const parts = typeof name === "string" ? name.split("/") : [];
    return !parts.some((part) => part.endsWith(".tmp"));
  });
}
