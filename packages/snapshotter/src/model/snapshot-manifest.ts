import type { ManifestId, TimeNs } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "./directory-entry.ts";
import type { Source } from "./source.ts";

/** Upload statistics as Kopia counts them (spec 2 §5.2). */
export interface SnapshotStats {
  readonly totalFileSizeBytes: bigint;
  readonly excludedTotalFileSizeBytes: bigint;
  readonly fileCount: number;
  readonly cachedFileCount: number;
  readonly nonCachedFileCount: number;
  readonly directoryCount: number;
  readonly excludedFileCount: number;
  readonly excludedDirectoryCount: number;
  readonly ignoredErrorCount: number;
  readonly errorCount: number;
}

/** Why a snapshot is not whole; empty when it is (spec 2 §5.3). */
export type IncompleteReason = "" | "checkpoint" | "canceled" | "limit reached" | (string & {});

/** A snapshot as its manifest says (spec 2 §5.1). */
export interface SnapshotManifest {
  /** Manifest ID; empty for one that is not saved yet. */
  readonly id: ManifestId;
  readonly source: Source;
  readonly description: string;
  readonly startTime: TimeNs;
  readonly endTime: TimeNs;
  readonly stats: SnapshotStats;
  readonly incompleteReason: IncompleteReason;
  readonly rootEntry?: DirectoryEntry;
  /** Keys as stored, with their `tag:` prefix. */
  readonly tags: Readonly<Record<string, string>>;
  readonly pins: readonly string[];
}
