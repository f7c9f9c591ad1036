import { concatBytes, utf8Encode } from "@kopia-engine/kopia-format";
import type { LocalEntry } from "../fs/local-directory.ts";
import type { ListedDirectory } from "../fs/listed-directory.ts";
import type { LocalName, LocalPath } from "../fs/local-path.ts";
import type { OwnFailure } from "../model/build-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { IgnoreContext } from "../policy/ignore-context.ts";
import type { PolicyTree } from "../policy/policy-tree.ts";
import type { ActionSpan } from "./action-span.ts";
import type { PreviousDirectory } from "./previous-directory.ts";

/** A directory between its listing and its object. Only those on the walk's path and those with files in flight exist. */
export interface DirectoryTask {
  readonly parent: DirectoryTask | undefined;
  readonly local: LocalEntry;
  readonly path: LocalPath;
  /** Slash-separated path below the root, empty for the root. */
  readonly relativePath: string;
  /** The same in raw bytes where a component is not valid UTF-8. */
  readonly relativeBytes?: Uint8Array;
  readonly node: PolicyTree;
  /** Commands of this folder's policy: the one before was run, the one after is still to come. */
  readonly span?: ActionSpan | undefined;
  /** The entry in the parent where an action put another directory in its place. */
  readonly foundAs?: LocalEntry | undefined;
  readonly ignore: IgnoreContext;
  /** Same directory in previous snapshots, best first; dropped once the names are walked. */
  previous: readonly PreviousDirectory[];
  /** The best of them when nothing is known that differs from it; set once the names are walked. */
  unchanged: PreviousDirectory | undefined;
  /** Names not examined yet start at `nextName`. */
  names: readonly (string | LocalName)[];
  nextName: number;
  /** What another thread has found out about the names already. */
  listed: ListedDirectory | undefined;
  /** Sub-directories, to be entered after the files; those not entered yet start at `nextDirectory`. */
  readonly directories: PendingDirectory[];
  nextDirectory: number;
  /** Whether an action of this folder, or of one above it, may change what is in it. */
  readonly isUnderAction: boolean;
  /** Sub-directories that are being compared with their previous listings. */
  awayCount: number;
  /** Placeholders of a shallow restore whose entries are still to be taken over. */
  readonly placeholders: LocalEntry[];
  /** Finished entries, in any order. */
  readonly entries: DirectoryEntry[];
  readonly failures: OwnFailure[];
  /** Files in batches and sub-directories in progress. */
  pendingCount: number;
  /** Everything below has been found; the directory is finished when nothing is pending. */
  isWalked: boolean;
  /** Why the whole directory is lost (its listing broke off). */
  listingError: string | undefined;
  readonly openChildren: Set<DirectoryTask>;
}

/** A sub-directory that was found but not entered. */
export interface PendingDirectory {
  readonly local: LocalEntry;
  /** Objects of the same directory in previous snapshots. */
  readonly previousIds: readonly string[];
  /** Number of files by the best of them; `undefined` when it has sub-directories, or errors, or is not known. */
  readonly leafFileCount: number | undefined;
}

/** A sub-directory that is being compared with its previous listing. */
export interface AwayDirectory {
  readonly parent: DirectoryTask;
  readonly pending: PendingDirectory;
}

/** A file in a batch and where its result goes. */
export interface BatchTarget {
  readonly task: DirectoryTask;
  readonly local: LocalEntry;
}

/** Path of an entry below the root, for errors and observers. */
export function relativePathOf(task: DirectoryTask, name: string): string {
  return task.relativePath === "" ? name : `${task.relativePath}/${name}`;
}

/** The raw path of an entry below the root; `undefined` when it is what UTF-8 makes of the text. */
export function relativeBytesOf(task: DirectoryTask, entry: LocalName): Uint8Array | undefined {
  if (entry.nameBytes === undefined && task.relativeBytes === undefined) return undefined;
  const name = entry.nameBytes ?? utf8Encode(entry.name);
  if (task.relativePath === "") return name;
  return concatBytes(task.relativeBytes ?? utf8Encode(task.relativePath), SLASH, name);
}

const SLASH = utf8Encode("/");

/** A stored entry with the attributes of the local one. */
export function toDirectoryEntry(
  local: LocalEntry,
  stored: { readonly objectId: string; readonly sizeBytes: number },
): DirectoryEntry {
  const entry = {
    name: local.name,
    type: local.kind,
    mode: local.mode,
    sizeBytes: BigInt(stored.sizeBytes),
    modTime: local.modTime,
    uid: local.uid,
    gid: local.gid,
    objectId: stored.objectId,
  };
  return local.nameBytes === undefined ? entry : { ...entry, nameBytes: local.nameBytes };
}
