import { dirname } from "node:path";
import { errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import { type LocalEntry, lstatLocal } from "../fs/local-directory.ts";
import { displayPath, joinLocalPath, type LocalPath } from "../fs/local-path.ts";
import { nameBehindPlaceholder, placeholderFileOf, readPlaceholder } from "../fs/placeholder.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { DirectoryTask } from "./directory-task.ts";
import { unreadableSource, type LocalSource } from "./local-source.ts";
import type { UploadRun } from "./upload-run.ts";

/**
 * Takes over the stored entry of a placeholder, or notes why that cannot be done. Unlike Kopia, which
 * gives up the whole snapshot over a directory's placeholder, this fails the one entry; and a placeholder
 * that was renamed stands for the entry under its new name, where Kopia brings the old one back.
 */
export async function takePlaceholder(
  run: UploadRun,
  task: DirectoryTask,
  placeholder: LocalEntry,
): Promise<void> {
  const local: LocalEntry = { ...placeholder, ...nameBehindPlaceholder(placeholder) };
  const { counters } = run;
  if (local.isDirectory) counters.directoryCount++;
  else counters.nonCachedFileCount++;
  try {
    task.entries.push(await storedEntryOf(run, task.path, { placeholder, local }));
  } catch (error) {
    if (!(error instanceof PlaceholderError)) throw error;
    const { errorHandling } = task.node.child(local.name).policy;
    const isIgnored = local.isDirectory
      ? errorHandling.ignoreDirectoryErrors === true
      : errorHandling.ignoreFileErrors === true;
    run.fail(task, local.name === "" ? placeholder : local, { error: error.message, isIgnored });
  }
}

/**
 * The stored entry of a source that is itself a placeholder: what it stands for is the root of the snapshot.
 * @throws KopiaError `SOURCE_UNREADABLE` when it stands for nothing.
 */
export async function storedRootOf(
  run: UploadRun,
  { path, entry }: LocalSource,
): Promise<DirectoryEntry> {
  const local: LocalEntry = { ...entry, ...nameBehindPlaceholder(entry) };
  if (local.isDirectory) run.counters.directoryCount++;
  try {
    return await storedEntryOf(run, dirname(path), { placeholder: entry, local });
  } catch (error) {
    if (!(error instanceof PlaceholderError)) throw error;
    throw unreadableSource(path, error.message);
  }
}

/** A placeholder that stands for nothing; the message is what is stored. */
class PlaceholderError extends Error {}

async function storedEntryOf(
  run: UploadRun,
  directory: LocalPath,
  names: { readonly placeholder: LocalEntry; readonly local: LocalEntry },
): Promise<DirectoryEntry> {
  const { placeholder, local } = names;
  const kind = local.isDirectory ? "d" : "f";
  const path = joinLocalPath(directory, placeholder);
  const realPath = joinLocalPath(directory, local);
  if (lstatLocal(realPath) !== undefined) {
    const file = displayPath(placeholderFileOf(path, kind));
    throw new PlaceholderError(
      `can't read placeholder: "${displayPath(realPath)}", "${file}" exist: shallowrestore tree is corrupt probably because a previous restore into a shallow tree was interrupted`,
    );
  }
  let stored: DirectoryEntry;
  try {
    stored = readPlaceholder(path, kind);
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    throw new PlaceholderError(`can't read placeholder: ${errorMessage(error)}`);
  }
  try {
    await run.session.objects.verifyObject(stored.objectId);
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    const isMissing = error.code === "OBJECT_NOT_FOUND" || error.code === "CONTENT_NOT_FOUND";
    const reason = isMissing ? "content not found" : error.message;
    throw new PlaceholderError(
      `invalid placeholder for "${local.name}" contains foreign object.ID: error getting content info for ${stored.objectId}: ${reason}`,
    );
  }
  const { name, nameBytes } = local;
  return nameBytes === undefined ? { ...stored, name } : { ...stored, name, nameBytes };
}
