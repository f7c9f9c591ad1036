import type { ObjectId, TimeNs } from "@kopia-engine/kopia-format";

/** Kind of an entry: file, directory, symbolic link (spec 2 §6.2). Other letters are kept when read. */
export type EntryType = "f" | "d" | "s" | (string & {});

/** Totals of a directory tree (spec 2 §6.7). Sums are bigint: they may exceed 2^53. */
export interface DirectorySummary {
  readonly totalFileSizeBytes: bigint;
  readonly fileCount: number;
  readonly symlinkCount: number;
  readonly directoryCount: number;
  readonly maxModTime: TimeNs;
  readonly incomplete?: string;
  readonly fatalErrorCount: number;
  readonly ignoredErrorCount: number;
  readonly failedEntries: readonly FailedEntry[];
}

/** An entry that could not be stored. */
export interface FailedEntry {
  /** Slash-separated, relative to the snapshot root; invalid UTF-8 bytes have become U+FFFD. */
  readonly path: string;
  /** The raw path where it is not valid UTF-8 (only known while uploading): it decides the order. */
  readonly pathBytes?: Uint8Array;
  /** Kopia's error text (spec 2 §6.7). */
  readonly error: string;
}

/** One entry of a directory listing, or the root of a snapshot (spec 2 §6.2). */
export interface DirectoryEntry {
  /** Name as text; invalid UTF-8 bytes have become U+FFFD, see `nameBytes`. */
  readonly name: string;
  /** The raw name where it is not valid UTF-8 (only known while uploading). */
  readonly nameBytes?: Uint8Array;
  readonly type: EntryType;
  /** Permissions with Go's setuid 1<<23, setgid 1<<22, sticky 1<<20 (spec 2 §6.3). */
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modTime: TimeNs;
  readonly uid: number;
  readonly gid: number;
  readonly objectId: ObjectId;
  readonly summary?: DirectorySummary;
}

/** A directory listing as stored. */
export interface DirectoryListing {
  readonly entries: readonly DirectoryEntry[];
  readonly summary?: DirectorySummary;
}
