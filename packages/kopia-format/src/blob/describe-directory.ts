import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import { BLOB_SUFFIX, SHARDS_FILE } from "./shards.ts";
import { storageError } from "./system-error.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

/** What is at a path where a repository is wanted. */
export type DirectoryDescription =
  | { readonly kind: "missing" }
  | { readonly kind: "notDirectory" }
  /** Nothing in it (what file systems make themselves, such as `lost+found`, does not count). */
  | { readonly kind: "empty" }
  /** `kopia.repository` lies here. */
  | { readonly kind: "repository" }
  /** Blobs or `.shards`, but no `kopia.repository`: an unfinished or damaged repository. */
  | { readonly kind: "blobs"; readonly examples: readonly string[] }
  /** It lies inside another repository, whose directory is named. */
  | { readonly kind: "insideRepository"; readonly repositoryPath: string }
  /** There is a repository in a directory below. */
  | { readonly kind: "aroundRepository"; readonly repositoryPath: string }
  /** Something else is there. */
  | { readonly kind: "foreign"; readonly examples: readonly string[] };

/** The format blob as a file: unsharded, or in shards of a layout with a short unsharded length (spec 1 "Additions"). */
const FORMAT_FILES = [`kopia.repository${BLOB_SUFFIX}`, join("ko", `pia.repository${BLOB_SUFFIX}`)];
/** Made by file systems and desktops, not by people. */
const NEUTRAL_NAMES = new Set(["lost+found", ".snapshot", ".snap", ".DS_Store"]);
const MAX_EXAMPLES = 3;
/** How far below a path repositories are looked for, and in how many directories. */
const MAX_DEPTH = 2;
const MAX_DIRECTORIES = 1000;

/**
 * Says what is at a path before a repository is created there or connected to: so that nobody creates one
 * inside, around or over something else, or is told "not found" without being told what is there.
 * Nothing is written.
 *
 * @throws KopiaError STORAGE_PERMISSION, STORAGE_UNAVAILABLE when it cannot be examined
 */
export function describeDirectory(path: string): DirectoryDescription {
  const directory = resolve(path);
  const kind = kindOf(directory);
  const enclosing = findRepositoryAbove(directory);
  if (kind === "directory" && isRepository(directory)) return { kind: "repository" };
  if (enclosing !== undefined) return { kind: "insideRepository", repositoryPath: enclosing };
  if (kind !== "directory") return { kind };
  const names = readNames(directory).filter((name) => !NEUTRAL_NAMES.has(name));
  if (names.length === 0) return { kind: "empty" };
  const nested = findRepositoryBelow(directory);
  if (nested !== undefined) return { kind: "aroundRepository", repositoryPath: nested };
  const examples = names.slice(0, MAX_EXAMPLES);
  return { kind: names.some(isBlobLike) ? "blobs" : "foreign", examples };
}

function kindOf(path: string): "directory" | "missing" | "notDirectory" {
  try {
    return fs.statSync(path).isDirectory() ? "directory" : "notDirectory";
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return "missing";
    if (code === "ENOTDIR") return "notDirectory";
    throw storageError(error, { action: "open", path });
  }
}

function isRepository(directory: string): boolean {
  return FORMAT_FILES.some((file) => isFile(join(directory, file)));
}

function isFile(path: string): boolean {
  try {
    return fs.statSync(path).isFile();
  } catch (error) {
    const code = systemErrorCode(error);
    // What may not be looked into cannot be said to be a repository.
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return false;
    throw storageError(error, { action: "open", path });
  }
}

/** Through links too: the path that was given may lead into a repository by one. */
function findRepositoryAbove(directory: string): string | undefined {
  return findInParents(directory) ?? findInParents(realPath(directory));
}

function findInParents(directory: string): string | undefined {
  for (let parent = dirname(directory); ; parent = dirname(parent)) {
    if (isRepository(parent)) return parent;
    if (parent === dirname(parent)) return undefined;
  }
}

/** Of the part that exists. */
function realPath(path: string): string {
  try {
    return fs.realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(realPath(parent), path.slice(parent.length));
  }
}

/** Nearest first, within bounds: a whole home directory is not searched. */
function findRepositoryBelow(directory: string): string | undefined {
  let examined = 0;
  let level = [directory];
  for (let depth = 1; depth <= MAX_DEPTH; depth++) {
    const next: string[] = [];
    for (const parent of level) {
      for (const child of subdirectories(parent)) {
        if (examined++ >= MAX_DIRECTORIES) return undefined;
        if (isRepository(child)) return child;
        next.push(child);
      }
    }
    level = next;
  }
  return undefined;
}

function subdirectories(directory: string): string[] {
  try {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name));
  } catch {
    // Not readable, or gone: then nothing is known of it.
    return [];
  }
}

function readNames(directory: string): string[] {
  try {
    return fs.readdirSync(directory).sort();
  } catch (error) {
    throw storageError(error, { action: "list", path: directory });
  }
}

function isBlobLike(name: string): boolean {
  return name === SHARDS_FILE || name.endsWith(BLOB_SUFFIX);
}
