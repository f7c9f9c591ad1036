import {
  DirectoryHandle,
  type ContentPlacesParts,
  type ErrorWire,
  type PlaceReader,
  errorToWire,
  isKopiaError,
  releaseBytes,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { LocalEntries } from "./local-entries.ts";
import { writeFilePiece } from "./local-file-bytes.ts";
import { entryError, joinPath } from "./restore-error.ts";
import { writeWholeFile } from "./write-whole-file.ts";

/** An open directory of the target, as another thread of the process reaches it. */
export interface LentDirectory {
  readonly fd: number;
  /** For messages of the file system. */
  readonly path: string;
  /** Relative to the target root. */
  readonly outputPath: string;
  readonly existed: boolean;
}

/** A file or link that is one content. */
export interface EntryToWrite {
  /** Number of its content's place. */
  readonly place: number;
  /** Number of its directory. */
  readonly directory: number;
  readonly entry: DirectoryEntry;
}

/** Whole files and links, or part of one file that is open. */
export type RestoreJob =
  | {
      readonly kind: "entries";
      readonly places: ContentPlacesParts;
      readonly directories: readonly LentDirectory[];
      readonly entries: readonly EntryToWrite[];
    }
  | {
      readonly kind: "pieces";
      /** Of the file, for messages. */
      readonly path: string;
      readonly places: ContentPlacesParts;
      readonly fd: number;
      readonly isSparse: boolean;
      /** Where in the file each piece goes, and which content it is. */
      readonly pieces: readonly { readonly place: number; readonly offsetBytes: number }[];
      /** Length that each content must have. */
      readonly lengths: Float64Array;
    };

/** What came of it. */
export interface RestoreJobResult {
  readonly fileCount: number;
  readonly linkCount: number;
  readonly writtenBytes: number;
  /** Numbers of entries, or pieces, whose content could not be read. */
  readonly unread: readonly number[];
  /** Numbers of entries, or pieces, that could not be written. */
  readonly failed: readonly { readonly number: number; readonly error: ErrorWire }[];
}

type EntriesJob = Extract<RestoreJob, { kind: "entries" }>;
type PiecesJob = Extract<RestoreJob, { kind: "pieces" }>;
interface Tally {
  fileCount: number;
  linkCount: number;
  writtenBytes: number;
  readonly unread: number[];
  readonly failed: { number: number; error: ErrorWire }[];
}

/** Reads and writes what a job says, until the stop word says that nobody wants the result. */
export function runRestoreJob(
  tools: { readonly reader: PlaceReader; readonly entries: LocalEntries },
  job: RestoreJob,
  stop: Int32Array,
): RestoreJobResult {
  const tally: Tally = { fileCount: 0, linkCount: 0, writtenBytes: 0, unread: [], failed: [] };
  const byPlace = numbersByPlace(job);
  const write = job.kind === "entries" ? entryWriter(job, tools.entries) : pieceWriter(job);
  tools.reader.read(job.places, (place, data) => {
    for (const number of byPlace[place] ?? []) {
      if (data === undefined) tally.unread.push(number);
      else attempt(tally, number, () => write(tally, number, data));
    }
    if (data !== undefined) releaseBytes(data);
    return Atomics.load(stop, 0) === 0;
  });
  return tally;
}

/** Several files may have the same content, and a file the same piece at several offsets. */
function numbersByPlace(job: RestoreJob): readonly (readonly number[])[] {
  const byPlace: number[][] = [];
  const wanted = job.kind === "entries" ? job.entries : job.pieces;
  for (let number = 0; number < wanted.length; number++) {
    const { place } = wanted[number] as { readonly place: number };
    (byPlace[place] ??= []).push(number);
  }
  return byPlace;
}

function attempt(tally: Tally, number: number, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    tally.failed.push({ number, error: errorToWire(error) });
  }
}

type Write = (tally: Tally, number: number, data: Uint8Array) => void;

function entryWriter(job: EntriesJob, entries: LocalEntries): Write {
  const directories = job.directories.map(({ path, fd, existed, outputPath }) => ({
    handle: new DirectoryHandle(path, fd),
    existed,
    outputPath,
  }));
  return (tally, number, data) => {
    const { directory, entry } = job.entries[number] as EntryToWrite;
    const { handle, existed, outputPath } = directories[directory] as (typeof directories)[0];
    const place = { handle, existed, name: entry.name };
    try {
      if (entry.type === "s") {
        entries.writeSymlink(place, entry, data);
        tally.linkCount++;
        return;
      }
      writeWholeFile(entries.openFile(place, entry), data);
      tally.fileCount++;
      tally.writtenBytes += data.length;
    } catch (error) {
      throw entryError(joinPath(outputPath, entry.name), error);
    }
  };
}

function pieceWriter({ path, fd, isSparse, pieces, lengths }: PiecesJob): Write {
  return (tally, number, data) => {
    const { place, offsetBytes } = pieces[number] as PiecesJob["pieces"][0];
    if (data.length !== lengths[place]) {
      tally.unread.push(number);
      return;
    }
    try {
      writeFilePiece(fd, { bytes: data, offsetBytes }, isSparse);
    } catch (error) {
      throw entryError(path, error);
    }
    tally.writtenBytes += data.length;
  };
}
