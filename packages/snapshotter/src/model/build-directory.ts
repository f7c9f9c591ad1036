import type { TimeNs } from "@kopia-engine/kopia-format";
import type { DirectoryEntry, DirectoryListing, FailedEntry } from "./directory-entry.ts";
import { KopiaError } from "@kopia-engine/kopia-format";

/** An own failed entry and whether the policy ignores it. */
export interface OwnFailure extends FailedEntry {
  readonly isIgnored: boolean;
}

/** What a finished directory consists of. */
export interface DirectoryParts {
  /** In any order; sub-directories with their summaries. */
  readonly entries: readonly DirectoryEntry[];
  /** The directory's own modification time: its `maxTime` when it has no entries. */
  readonly modTime: TimeNs;
  /** Entries of this directory that could not be stored; those below come from child summaries. */
  readonly failures?: readonly OwnFailure[];
  /** Reason in effect, empty or absent when whole. */
  readonly incompleteReason?: string;
}

/** Sorts entries as stored (spec 2 §6.6) and sums up the tree (spec 2 §6.7). */
export function buildDirectory(parts: DirectoryParts): Required<DirectoryListing> {
  void parts;
  throw new KopiaError("NOT_IMPLEMENTED", "buildDirectory");
}

/** Order of entries in a listing: directories first, then bytewise by raw name (spec 2 §6.6). */
export function compareEntries(a: DirectoryEntry, b: DirectoryEntry): number {
  void a;
  void b;
  throw new KopiaError("NOT_IMPLEMENTED", "compareEntries");
}
