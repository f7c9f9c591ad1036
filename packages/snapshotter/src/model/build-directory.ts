import type { TimeNs } from "@kopia-engine/kopia-format";
import type {
  DirectoryEntry,
  DirectoryListing,
  DirectorySummary,
  FailedEntry,
} from "./directory-entry.ts";
import { compareRawTexts } from "./name-order.ts";

/** A failed entry of the directory itself and whether the policy ignores the error. */
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

/** Names without units from here on sort the same as strings and as UTF-8. */
const MAY_SORT_DIFFERENTLY = /[\ud800-\uffff]/;

/** Sorts entries as stored (spec 2 §6.6) and sums up the tree (spec 2 §6.7). */
export function buildDirectory(parts: DirectoryParts): Required<DirectoryListing> {
  return { entries: sortEntries(parts.entries), summary: summarize(parts) };
}

/** Order of entries in a listing: directories first, then bytewise by raw name (spec 2 §6.6). */
export function compareEntries(a: DirectoryEntry, b: DirectoryEntry): number {
  if ((a.type === "d") !== (b.type === "d")) return a.type === "d" ? -1 : 1;
  return compareRawTexts(
    { text: a.name, bytes: a.nameBytes },
    { text: b.name, bytes: b.nameBytes },
  );
}

function sortEntries(entries: readonly DirectoryEntry[]): DirectoryEntry[] {
  const hasOddName = entries.some(
    ({ name, nameBytes }) => nameBytes !== undefined || MAY_SORT_DIFFERENTLY.test(name),
  );
  if (hasOddName) return entries.toSorted(compareEntries);
  return entries.toSorted((a, b) => {
    if ((a.type === "d") !== (b.type === "d")) return a.type === "d" ? -1 : 1;
    return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
  });
}

function summarize(parts: DirectoryParts): DirectorySummary {
  const { entries, failures = [], incompleteReason = "" } = parts;
  let totalFileSizeBytes = 0n;
  let fileCount = 0;
  let symlinkCount = 0;
  let directoryCount = 1;
  let ignoredErrorCount = failures.filter(({ isIgnored }) => isIgnored).length;
  let fatalErrorCount = failures.length - ignoredErrorCount;
  // The accumulator starts at the epoch: older entries do not pull it below (spec 2 §6.7).
  let maxModTime = entries.length === 0 ? parts.modTime : 0n;
  const failedEntries: FailedEntry[] = failures.map(withoutIgnored);
  for (const { type, sizeBytes, modTime, summary } of entries) {
    if (modTime > maxModTime) maxModTime = modTime;
    if (type === "f") {
      fileCount++;
      totalFileSizeBytes += sizeBytes;
    } else if (type === "s") {
      symlinkCount++;
    }
    if (type !== "d" || summary === undefined) continue;
    totalFileSizeBytes += summary.totalFileSizeBytes;
    fileCount += summary.fileCount;
    symlinkCount += summary.symlinkCount;
    directoryCount += summary.directoryCount;
    fatalErrorCount += summary.fatalErrorCount;
    ignoredErrorCount += summary.ignoredErrorCount;
    if (summary.maxModTime > maxModTime) maxModTime = summary.maxModTime;
    for (const failed of summary.failedEntries) failedEntries.push(failed);
  }
  return {
    totalFileSizeBytes,
    fileCount,
    symlinkCount,
    directoryCount,
    maxModTime,
    ...(incompleteReason === "" ? {} : { incomplete: incompleteReason }),
    fatalErrorCount,
    ignoredErrorCount,
    failedEntries: failedEntries.sort(compareFailures),
  };
}

function withoutIgnored({ path, pathBytes, error }: OwnFailure): FailedEntry {
  return { path, ...(pathBytes === undefined ? {} : { pathBytes }), error };
}

/** By the raw path, so that in the stored text the list may look unsorted (spec 2 §6.7). */
function compareFailures(a: FailedEntry, b: FailedEntry): number {
  return compareRawTexts(
    { text: a.path, bytes: a.pathBytes },
    { text: b.path, bytes: b.pathBytes },
  );
}
