import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { ReadThreadOptions } from "../threads/read-threads.ts";
import type { ReadableRepository } from "./read-objects.ts";
import { RestoreCounters, type RestoreStats } from "./restore-counters.ts";
import type { RestoreOutput } from "./restore-output.ts";
import { TreeRestorer } from "./tree-restorer.ts";

/** An entry that could not be restored. */
export interface RestoreFailure {
  /** Relative to the target, `.` for the root. */
  readonly path: string;
  readonly error: Error;
}

/** What a restore tells while it runs. All calls are synchronous and must be quick. */
export interface RestoreObserver {
  /** After every batch. The object is reused: copy what is kept. */
  progress?(stats: RestoreStats): void;
  /** With `ignoreErrors`: an entry was left out. */
  failed?(failure: RestoreFailure): void;
  /** Something to be told although the restore goes on (entries that collapse to one name). */
  warning?(failure: RestoreFailure): void;
}

/** A restore of the upper part of a tree (spec 2 §10.7). */
export interface ShallowOptions {
  /** Entries deeper than this become placeholders; the root has depth 0. */
  readonly depth: number;
  /** Smaller files are restored all the same. Default 0. */
  readonly minSizeBytes?: number;
}

/** Options of `restoreTree`. */
export interface RestoreOptions {
  readonly repository: ReadableRepository;
  /** What to restore, from `resolveObjectPath` or `resolveRestoreSource`. */
  readonly entry: DirectoryEntry;
  readonly output: RestoreOutput;
  /** Go on after errors of single entries. Default false. */
  readonly ignoreErrors?: boolean;
  /** Default: everything is restored. The output must know placeholders. */
  readonly shallow?: ShallowOptions;
  readonly observer?: RestoreObserver;
  readonly signal?: AbortSignal;
  /** How many threads restore, and when they start. */
  readonly threads?: ReadThreadOptions;
}

/**
 * Restores a file or a tree (spec 2 §10). The output is closed at the end, whatever happens.
 * @throws KopiaError `RESTORE_UNSAFE_NAME` naming the entry, `RESTORE_TARGET` (something is in the
 * way), `RESTORE_FAILED` (with cause), errors of reading; the signal's reason when aborted.
 */
export async function restoreTree(options: RestoreOptions): Promise<RestoreStats> {
  const counters = new RestoreCounters();
  try {
    await new TreeRestorer(options, counters).restore(options.entry);
    options.output.complete?.();
  } finally {
    await options.output.close();
  }
  options.observer?.progress?.(counters);
  return counters;
}
