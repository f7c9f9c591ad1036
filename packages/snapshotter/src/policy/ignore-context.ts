import { KopiaError } from "@kopia-engine/kopia-format";
import type { PolicyTree } from "./policy-tree.ts";

/** What the ignore rules ask about a directory that is being listed. */
export interface IgnoreDirectory {
  /**
   * First `maxLengthBytes` bytes of the regular file `name` in this directory; `undefined` when there is no
   * such entry, or it is a directory or special file. A link is followed (at most 30 hops); one that is broken
   * or leads to no regular file throws, and the directory fails with it (spec 2 §7.6 step 3).
   * With `followSymlinks` false a link counts as no such entry.
   */
  readFile(
    name: string,
    options: { readonly maxLengthBytes: number; readonly followSymlinks: boolean },
  ): Uint8Array | undefined;
}

/** What the ignore rules ask about an entry. */
export interface IgnoreCandidate {
  /** Name, each invalid UTF-8 byte as one U+FFFD. */
  readonly name: string;
  readonly isDirectory: boolean;
  /** Size in bytes; not asked for directories. */
  readonly sizeBytes: bigint | number;
  /** Device of the entry; compared with that of the directory when the policy keeps to one file system. */
  readonly device?: bigint | number;
}

/** The ignore rules in force in one directory. */
export interface IgnoreContext {
  /** The directory counts as empty: it has a `CACHEDIR.TAG` and the policy ignores such (spec 2 §7.6 step 1). */
  readonly isCacheDirectory: boolean;
  /** Whether an entry of this directory is left out. */
  ignores(entry: IgnoreCandidate): boolean;
  /** The context of a sub-directory, by its name and what it holds. @throws KopiaError `IGNORE_PATTERN_INVALID` and what `readFile` throws. */
  enter(name: string, directory: IgnoreDirectory, options?: EnterOptions): IgnoreContext;
}

/** More about a directory that is entered. */
export interface EnterOptions {
  /** Device of the directory. */
  readonly device?: bigint | number;
}

/**
 * The context of a snapshot's root directory.
 * @throws KopiaError `IGNORE_PATTERN_INVALID` and what `readFile` throws.
 */
export function enterRoot(
  node: PolicyTree,
  directory: IgnoreDirectory,
  options: EnterOptions = {},
): IgnoreContext {
  void node;
  void directory;
  void options;
  throw new KopiaError("NOT_IMPLEMENTED", "enterRoot");
}
