import * as fs from "node:fs";
import { dirname } from "node:path";
import { systemErrorCode } from "./system-error-code.ts";

/**
 * Makes a directory and those above it, like `mkdir -p`; nothing happens when it is there. Not Node's recursive
 * `mkdirSync`: in a directory that was removed while it is still mounted or open (a vanished volume) each
 * name is missing and its parent exists, and Node 26 asks the two in turn for ever.
 * @param mode of the directories that are made, before the umask. Default 0777.
 * @throws the system's error, such as `ENOENT` below a removed directory, `ENOTDIR`, `EACCES`.
 */
export function makeDirectories(path: string, mode = 0o777): void {
  const error = makeOne(path, mode);
  if (error === undefined) return;
  const parent = dirname(path);
  if (systemErrorCode(error) !== "ENOENT" || parent === path) throw error;
  makeDirectories(parent, mode);
  const second = makeOne(path, mode);
  if (second !== undefined) throw second;
}

function makeOne(path: string, mode: number): unknown {
  try {
    fs.mkdirSync(path, { mode });
    return undefined;
  } catch (error) {
    const isThere = systemErrorCode(error) === "EEXIST" && isDirectory(path);
    return isThere ? undefined : error;
  }
}

function isDirectory(path: string): boolean {
  return fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
