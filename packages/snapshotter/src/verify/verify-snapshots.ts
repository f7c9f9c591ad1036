import type {
  BlobStorage,
  ContentReader,
  ObjectId,
  ObjectStore,
  RandomBytes,
  RepositoryFormat,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { ReadThreadOptions } from "../threads/read-threads.ts";
import type { ObjectChecker } from "./object-checker.ts";
import { TreeVerifier } from "./tree-verifier.ts";

/** Counters of a verification, as `snapshot verify --json` names them (spec 2 §9.7). */
export interface VerifyStats {
  readonly processedObjectCount: number;
  readonly processedBytes: number;
  readonly readFileCount: number;
  readonly readBytes: number;
  readonly expectedTotalObjectCount: number;
  readonly expectedTotalFileCount: number;
  readonly expectedTotalBytes: number;
}

/** One tree or file to verify. */
export interface VerifyRoot {
  /** For messages, such as `user@host:/path@2024-01-02 03:04:05 UTC`. */
  readonly path: string;
  readonly entry: DirectoryEntry;
}

/** Something that cannot be restored as it should. */
export interface VerifyError {
  /** Root label and path inside. */
  readonly path: string;
  readonly message: string;
}

/** Outcome of a verification. */
export interface VerifyResult {
  readonly stats: VerifyStats;
  /** All errors that were met, in order. */
  readonly errors: readonly VerifyError[];
}

/** Options of `verifySnapshots`. */
export interface VerifyOptions {
  readonly repository: {
    readonly objects: ObjectStore;
    readonly contents: ContentReader;
    readonly storage: BlobStorage;
    /** With it, contents are read by threads where the storage allows it. */
    readonly format?: RepositoryFormat;
  };
  readonly roots: readonly VerifyRoot[];
  /** Stop after so many errors; 0 means 1, negative: never (spec 2 §9.7). Default 0. */
  readonly maxErrors?: number;
  /** Probability in percent of reading a file completely. Default 0. */
  readonly verifyFilesPercent?: number;
  /** Whether a file is read completely, asked once for each; takes the place of `verifyFilesPercent`. */
  readonly shouldReadFile?: (objectId: ObjectId) => boolean;
  /** Chooses the files that are read. Default: the system's. */
  readonly random?: RandomBytes;
  /** With a listing of the storage that was made before; default: one is made. */
  readonly checker?: ObjectChecker;
  /** At the beginning and after every batch. The object is reused: copy what is kept. */
  readonly onProgress?: (stats: VerifyStats) => void;
  readonly onError?: (error: VerifyError) => void;
  readonly signal?: AbortSignal;
  /** How many threads read, and when they start. */
  readonly threads?: ReadThreadOptions;
}

/**
 * Verifies trees: every directory is read and decoded, every file's contents must be in the index and
 * inside packs that exist, and a share of the files is read completely (spec 2 §9.7). Each object is
 * verified once. Errors are results, not rejections.
 * @throws KopiaError of listing the storage; the signal's reason when aborted.
 */
export async function verifySnapshots(options: VerifyOptions): Promise<VerifyResult> {
  const verifier = new TreeVerifier(options);
  await verifier.run();
  return { stats: verifier.stats, errors: verifier.errors };
}
