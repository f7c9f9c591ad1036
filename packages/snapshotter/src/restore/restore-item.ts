import type { DirectoryEntry } from "../model/directory-entry.ts";
import { joinPath } from "./restore-error.ts";
import type { OutputDirectory } from "./restore-output.ts";

/** A directory between its creation and its final attributes. */
export interface RestoreTask {
  readonly parent: RestoreTask | undefined;
  readonly entry: DirectoryEntry;
  readonly output: OutputDirectory;
  /** 0 for the root. */
  readonly depth: number;
  /** Sub-directories to be entered after the files. */
  readonly directories: DirectoryEntry[];
  nextDirectory: number;
  /** Files waiting to be written and sub-directories in progress. */
  pendingCount: number;
  isWalked: boolean;
}

/** A file or link whose data is to be read; without a task it is the root itself. */
export interface RestoreItem {
  readonly task: RestoreTask | undefined;
  readonly entry: DirectoryEntry;
}

/** What becomes of items. Each item ends in exactly one `completed`, after `failed` when it went wrong. */
export interface ItemListener {
  completed(item: RestoreItem): void;
  /** Counts the error, or throws it to end the restore. */
  failed(path: string, error: unknown): void;
  /** Lets other things have their turn. @throws the reason of an abort. */
  breathe(): Promise<void>;
}

/** Path of an entry relative to the target, `.` for the root. */
export function pathOf(task: RestoreTask | undefined, entry: DirectoryEntry): string {
  return task === undefined ? "." : joinPath(task.output.path, entry.name);
}
