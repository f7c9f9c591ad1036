import {
  type ContentPlacesParts,
  type PlaceReader,
  releaseBytes,
} from "@kopia-engine/kopia-format";
import { ListedDirectory, type ListingColumns, listColumns } from "../fs/listed-directory.ts";
import { type MatchedListing, matchListing } from "./match-listing.ts";

/** Directories without sub-directories that are likely to be as a previous snapshot says. */
export interface ExamineJob {
  readonly directories: readonly ExaminedPath[];
  /** Their listings in that snapshot, in the same order. */
  readonly listings: ContentPlacesParts;
}

/** A directory of a job. */
export interface ExaminedPath {
  readonly path: string;
  /** Names of files that decide what is taken of a directory: with one of them it is not for a job to judge. */
  readonly rulingNames: readonly string[];
}

/** What is found of a directory: that it is as it was, or what is in it now; nothing where it cannot be listed. */
export type Examined =
  | { readonly matched: MatchedListing; readonly columns?: undefined }
  | { readonly matched?: undefined; readonly columns: ListingColumns | undefined };

const UNKNOWN: Examined = { columns: undefined };

/** Compares the directories of a job with their listings, until the stop word says that nobody wants the result. */
export function examineDirectories(
  reader: PlaceReader,
  { directories, listings }: ExamineJob,
  stop: Int32Array,
): readonly Examined[] {
  const results: Examined[] = directories.map(() => UNKNOWN);
  reader.read(listings, (number, data) => {
    const directory = directories[number] as ExaminedPath;
    results[number] = examine(directory, data);
    if (data !== undefined) releaseBytes(data);
    return Atomics.load(stop, 0) === 0;
  });
  return results;
}

function examine({ path, rulingNames }: ExaminedPath, listing: Uint8Array | undefined): Examined {
  let columns: ListingColumns;
  try {
    columns = listColumns(path);
  } catch {
    // Whoever lists it again has the error to tell.
    return UNKNOWN;
  }
  if (listing === undefined || rulingNames.some((name) => columns.names.includes(name))) {
    return { columns };
  }
  const matched = matchListing(listing, new ListedDirectory(columns));
  return matched === undefined ? { columns } : { matched };
}

/** Memory that may go to another thread rather than be copied. */
export function transferable(results: readonly Examined[]): ArrayBuffer[] {
  return results.flatMap(({ matched, columns }) => {
    if (matched !== undefined) return [matched.keys.buffer];
    return columns === undefined ? [] : [columns.numbers.buffer];
  });
}
