import { lstatSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { KopiaError, openDirectoryHandle } from "@kopia-engine/kopia-format";
import { errnoText } from "../fs/go-errno.ts";
import { PLACEHOLDER_SUFFIX, readPlaceholder } from "../fs/placeholder.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { deleteEntry } from "./delete-extra.ts";

/** A placeholder of a shallow restore that is to be expanded in place (spec 2 §10.7). */
export interface LocalPlaceholder {
  /** The placeholder itself: a file, or a directory with the entry in it. */
  readonly path: string;
  /** Where the real file or directory belongs. */
  readonly targetPath: string;
  readonly entry: DirectoryEntry;
}

/** Whether a path is by its name a placeholder. */
export function isPlaceholderPath(path: string): boolean {
  return path.endsWith(PLACEHOLDER_SUFFIX);
}

/**
 * Reads a placeholder. The file inside the placeholder of a directory stands for that directory.
 * @throws KopiaError `RESTORE_FAILED` when it is none, or cannot be read.
 */
export function openLocalPlaceholder(placeholderPath: string): LocalPlaceholder {
  const named = resolve(placeholderPath);
  const path = basename(named) === PLACEHOLDER_SUFFIX ? dirname(named) : named;
  const name = basename(path);
  if (!isPlaceholderPath(name) || name === PLACEHOLDER_SUFFIX) {
    throw new KopiaError("RESTORE_FAILED", `${placeholderPath} is not the name of a placeholder`);
  }
  let kind: "f" | "d";
  try {
    kind = lstatSync(path).isDirectory() ? "d" : "f";
  } catch (error) {
    const text = `reading placeholder: open ${path}: ${errnoText(error)}`;
    throw new KopiaError("RESTORE_FAILED", text, { cause: error });
  }
  const targetPath = path.slice(0, -PLACEHOLDER_SUFFIX.length);
  return { path, targetPath, entry: readPlaceholder(path, kind) };
}

/** Removes a placeholder whose real file or directory is all there. */
export function removeLocalPlaceholder({ path }: LocalPlaceholder): void {
  const parent = openDirectoryHandle(dirname(path));
  try {
    deleteEntry(parent, basename(path));
  } finally {
    parent.close();
  }
}
