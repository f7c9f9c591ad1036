import { closeSync, writeFileSync } from "node:fs";
import { type DirectoryHandle, type RandomBytes, toHex } from "@kopia-engine/kopia-format";
import { errorCodeOf } from "../fs/go-errno.ts";
import { PLACEHOLDER_SUFFIX, encodePlaceholder, placeholderNameOf } from "../fs/placeholder.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { type AttributeOptions, applyAttributes } from "./local-attributes.ts";
import { inTheWay } from "./local-entries.ts";

const PLACEHOLDER_DIRECTORY_MODE = 0o700;
const WRITE_BITS = 0o222;

/**
 * Writes the placeholder of a file or directory, where one may stand already (spec 2 §10.7).
 * @throws KopiaError `RESTORE_TARGET` when the real entry is there, or the name is too long.
 */
export function writePlaceholder(
  parent: DirectoryHandle,
  entry: DirectoryEntry,
  options: { readonly attributes: AttributeOptions; readonly random: RandomBytes },
): void {
  const path = `${parent.path}/${entry.name}`;
  const name = placeholderNameOf(entry.name);
  if (name === undefined) throw inTheWay(path, "has a name too long for a placeholder");
  if (parent.lstat(entry.name) !== undefined)
    throw inTheWay(path, "exists, and gets no placeholder beside it");
  if (entry.type !== "d") {
    writeFileAtomically(parent, name, { ...options, entry });
    return;
  }
  try {
    parent.makeDirectory(name, PLACEHOLDER_DIRECTORY_MODE);
  } catch (error) {
    if (errorCodeOf(error) !== "EEXIST") throw error;
  }
  const directory = parent.openDirectory(name);
  try {
    writeFileAtomically(directory, PLACEHOLDER_SUFFIX, { ...options, entry });
  } finally {
    directory.close();
  }
}

function writeFileAtomically(
  directory: DirectoryHandle,
  name: string,
  {
    entry,
    attributes,
    random,
  }: {
    readonly entry: DirectoryEntry;
    readonly attributes: AttributeOptions;
    readonly random: RandomBytes;
  },
): void {
  const writtenName = `.kopia-restore-${toHex(random(8))}`;
  const fd = directory.openFileForWrite(writtenName, { mode: 0o600, exclusive: true });
  try {
    try {
      writeFileSync(fd, encodePlaceholder(entry));
      // Nobody is to write into a placeholder by accident.
      applyAttributes(fd, { ...entry, mode: entry.mode & ~WRITE_BITS }, attributes);
    } finally {
      closeSync(fd);
    }
    directory.rename(writtenName, name);
  } catch (error) {
    directory.unlink(writtenName);
    throw error;
  }
}
