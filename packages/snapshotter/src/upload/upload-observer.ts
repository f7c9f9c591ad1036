import type { DirectorySummary } from "../model/directory-entry.ts";

/** Counters of a running upload. */
export interface UploadProgress {
  /** Files that are being read; one for each thread at most. */
  readonly hashingFileCount: number;
  /** Bytes of new contents as stored, of this session. */
  readonly uploadedBytes: number;
  readonly hashedFileCount: number;
  readonly hashedBytes: number;
  readonly cachedFileCount: number;
  readonly cachedBytes: number;
  readonly directoryCount: number;
  readonly excludedFileCount: number;
  readonly excludedDirectoryCount: number;
  readonly ignoredErrorCount: number;
  readonly fatalErrorCount: number;
}

/** An entry that could not be stored, as it happens. */
export interface UploadFailure {
  /** Slash-separated path relative to the snapshot root. */
  readonly path: string;
  readonly error: string;
  /** True where the policy says to ignore such errors. */
  readonly ignored: boolean;
}

/** What an upload tells while it runs. All calls are synchronous and must be quick. */
export interface UploadObserver {
  /** After every batch and every 32 MiB of a large file. The object is reused: copy what is kept. */
  progress?(progress: UploadProgress): void;
  failed?(failure: UploadFailure): void;
  /** A directory is complete. Path relative to the root, `.` for the root itself. */
  directoryDone?(path: string, summary: DirectorySummary): void;
  /** An entry left out by ignore rules (path relative to the root). */
  excluded?(path: string, type: "f" | "d" | "s"): void;
  checkpointSaved?(): void;
  /** An action failed and the snapshot goes on: one that is not essential, or one after what is stored already. */
  actionFailed?(failure: { readonly error: string; readonly essential: boolean }): void;
}
