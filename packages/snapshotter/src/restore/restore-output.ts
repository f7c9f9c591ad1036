import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { LocalEntryOptions } from "./local-entries.ts";
import type { LentDirectory } from "./restore-job.ts";

/** A directory that is being restored: opaque to the planner, made by the output. */
export interface OutputDirectory {
  /** Path relative to the target root, `.` for the root. */
  readonly path: string;
}

/** What `deleteExtra` removed. */
export interface DeletedCounts {
  readonly files: number;
  readonly directories: number;
  readonly symlinks: number;
}

/** An open file, as another thread of the process writes to it. */
export interface LentFile {
  readonly fd: number;
  /** Blocks of zeros are to be left out. */
  readonly isSparse: boolean;
}

/** A file that is being restored. */
export interface OutputFile {
  /** The next bytes. */
  write(piece: Uint8Array): void;
  /** For threads that write pieces at their offsets; absent where pieces must come in order. */
  lend?(): LentFile;
  /** Threads wrote all bytes up to this length. */
  wroteUpTo?(lengthBytes: number): void;
  /** Sets length and attributes, and closes: the file is whole. */
  finish(): void;
  /** Something failed: close, and leave nothing that looks whole. */
  abort(): void;
}

/** An output whose files and links other threads may write. */
export interface OutputThreads {
  readonly options: LocalEntryOptions;
  /** Keeps a directory open until it is given back as often as it was lent. */
  lend(directory: OutputDirectory): LentDirectory;
  giveBack(directory: OutputDirectory): void;
}

/**
 * Where a restore puts entries: the local filesystem, or an archive (zip, tar, tgz). The planner works
 * depth-first: a directory is opened before anything in it and finished after all of it; files of
 * several open directories come in any order, never two at the same time.
 * An output puts nothing outside its target, whatever the names and the files already there.
 * Where a parent is `undefined` the entry is the target itself (a snapshot of a single file).
 * All methods throw `KopiaError` `RESTORE_TARGET`, `RESTORE_UNSAFE_NAME` or `RESTORE_FAILED`.
 */
export interface RestoreOutput {
  /** Absent where all entries have to come through `openFile` and `writeSymlink`. */
  readonly threads?: OutputThreads;
  openRoot(entry: DirectoryEntry): OutputDirectory;
  openDirectory(parent: OutputDirectory, entry: DirectoryEntry): OutputDirectory;
  /** Deletes what the snapshot does not have, where that is wanted (`--delete-extra`). */
  deleteExtra(directory: OutputDirectory, entries: readonly DirectoryEntry[]): DeletedCounts;
  /** Sets the attributes of a directory whose entries are all there. */
  finishDirectory(directory: OutputDirectory, entry: DirectoryEntry): void;
  /** Whether an existing file or link is kept (`--skip-existing`): its data is not even read. */
  keepsExisting(parent: OutputDirectory | undefined, entry: DirectoryEntry): boolean;
  openFile(parent: OutputDirectory | undefined, entry: DirectoryEntry): OutputFile;
  /** Writes what stands for a file or directory in a shallow restore; absent where nothing can (spec 2 §10.7). */
  writePlaceholder?(parent: OutputDirectory, entry: DirectoryEntry): void;
  writeSymlink(
    parent: OutputDirectory | undefined,
    entry: DirectoryEntry,
    target: Uint8Array,
  ): void;
  /** Everything is there: what was written may be seen under the target's name. */
  complete?(): void;
  /** Ends the restore; releases what is open, also after a failure. */
  close(): Promise<void>;
}
