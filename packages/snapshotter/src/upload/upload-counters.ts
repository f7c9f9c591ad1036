import type { SnapshotStats } from "../model/snapshot-manifest.ts";
import type { UploadProgress } from "./upload-observer.ts";

/** Running counts of an upload, as Kopia counts them (spec 2 §5.2). Plain numbers: they change with every file. */
export class UploadCounters implements UploadProgress {
  hashingFileCount = 0;
  uploadedBytes = 0;
  /** Uploaded files; one that is stored in parts counts once for each. */
  hashedFileCount = 0;
  hashedBytes = 0;
  /** Files and links taken from previous snapshots. */
  cachedFileCount = 0;
  cachedBytes = 0;
  /** Regular files that were attempted, unreadable ones included. */
  nonCachedFileCount = 0;
  storedBytes = 0;
  directoryCount = 0;
  excludedFileCount = 0;
  excludedBytes = 0;
  excludedDirectoryCount = 0;
  ignoredErrorCount = 0;
  fatalErrorCount = 0;

  /** The counts as a manifest holds them. */
  toStats(): SnapshotStats {
    return {
      totalFileSizeBytes: BigInt(this.storedBytes + this.cachedBytes),
      excludedTotalFileSizeBytes: BigInt(this.excludedBytes),
      fileCount: this.hashedFileCount,
      cachedFileCount: this.cachedFileCount,
      nonCachedFileCount: this.nonCachedFileCount,
      directoryCount: this.directoryCount,
      excludedFileCount: this.excludedFileCount,
      excludedDirectoryCount: this.excludedDirectoryCount,
      ignoredErrorCount: this.ignoredErrorCount,
      errorCount: this.fatalErrorCount,
    };
  }
}

/** What a checkpoint's manifest says: nothing is counted yet (spec 2 §7.10). */
export const ZERO_STATS: SnapshotStats = new UploadCounters().toStats();
