/** Counters of a restore (spec 2 §10.6). */
export interface RestoreStats {
  readonly restoredFileCount: number;
  readonly restoredDirectoryCount: number;
  readonly restoredSymlinkCount: number;
  readonly restoredBytes: number;
  readonly skippedCount: number;
  readonly skippedBytes: number;
  readonly deletedFileCount: number;
  readonly deletedDirectoryCount: number;
  readonly deletedSymlinkCount: number;
  readonly ignoredErrorCount: number;
  /** Entries that another entry of the same stored name has replaced (spec 2 §6.5). */
  readonly collapsedEntryCount: number;
  /** Entries found so far, and their bytes: grows while the tree is walked. */
  readonly enqueuedCount: number;
  readonly enqueuedBytes: number;
}

/** Running counts of a restore. */
export class RestoreCounters implements RestoreStats {
  restoredFileCount = 0;
  restoredDirectoryCount = 0;
  restoredSymlinkCount = 0;
  restoredBytes = 0;
  skippedCount = 0;
  skippedBytes = 0;
  deletedFileCount = 0;
  deletedDirectoryCount = 0;
  deletedSymlinkCount = 0;
  ignoredErrorCount = 0;
  collapsedEntryCount = 0;
  enqueuedCount = 0;
  enqueuedBytes = 0;
}
