import { KopiaError } from "@kopia-engine/kopia-format";
import { compileRule, parseIgnoreFile, rulesIgnore } from "./ignore-rules.ts";
import type { PatternMatcher } from "./match-pattern.ts";
import type { PolicyTree } from "./policy-tree.ts";

/** Largest ignore file that is read, in bytes: a larger one is refused rather than read in part. */
const MAX_IGNORE_FILE_BYTES = 2 ** 24;

/** Name of the file that marks a directory as a cache. */
export const CACHE_TAG_NAME = "CACHEDIR.TAG";
const CACHE_TAG_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55";

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
  readonly device?: number;
}

/** The ignore rules in force in one directory. */
export interface IgnoreContext {
  /** The policy node of the directory. */
  readonly node: PolicyTree;
  /** The directory counts as empty: it has a `CACHEDIR.TAG` and the policy ignores such (spec 2 §7.6 step 1). */
  readonly isCacheDirectory: boolean;
  /** No rule is in force: every entry is taken. */
  readonly ignoresNothing: boolean;
  /** Names of files that would decide about a sub-directory without a policy of its own. */
  readonly rulingNames: readonly string[];
  /** Whether an entry of this directory is left out. */
  ignores(entry: IgnoreCandidate): boolean;
  /** The context of a sub-directory. @throws KopiaError `IGNORE_PATTERN_INVALID`, and what `readFile` throws. */
  enter(name: string, directory: IgnoreDirectory, options?: EnterOptions): IgnoreContext;
}

/** More about a directory that is entered. */
export interface EnterOptions {
  /** Device of the directory. */
  readonly device?: number;
}

/** Rules that a directory hands down to those below it. */
interface InheritedRules {
  /** Rules of all directories from the root down to here. */
  readonly rules: readonly PatternMatcher[];
  readonly dotFileNames: readonly string[];
  /** 0: no limit. */
  readonly maxFileSizeBytes: bigint;
  readonly oneFileSystem: boolean;
}

const NOTHING_INHERITED: InheritedRules = {
  rules: [],
  dotFileNames: [],
  maxFileSizeBytes: 0n,
  oneFileSystem: false,
};

/**
 * The context of a snapshot's root directory.
 * @throws KopiaError `IGNORE_PATTERN_INVALID`, and what `readFile` throws. The message is the one that Kopia records
 * for a directory; the `cause` has the shorter one that it prints for the root.
 */
export function enterRoot(
  node: PolicyTree,
  directory: IgnoreDirectory,
  options: EnterOptions = {},
): IgnoreContext {
  return enterDirectory({ path: "", node, directory, inherited: NOTHING_INHERITED }, options);
}

interface Entered {
  /** Empty for the root, else `/a/b`. */
  readonly path: string;
  readonly node: PolicyTree;
  readonly directory: IgnoreDirectory;
  readonly inherited: InheritedRules;
}

function enterDirectory(entered: Entered, options: EnterOptions): IgnoreContext {
  const { path, node, directory, inherited } = entered;
  const ignoreCacheDirs = node.policy.files.ignoreCacheDirs ?? true;
  if (ignoreCacheDirs && hasCacheTag(directory)) {
    return new DirectoryContext({ ...entered, isCacheDirectory: true }, options.device);
  }
  // A defined policy decides alone which ignore files count, even by naming none (spec 2 §8.4).
  const dotFileNames = node.isDefined
    ? (node.policy.files.ignoreDotFiles ?? [])
    : inherited.dotFileNames;
  const own = node.isDefined ? policyRules(node.policy.files.ignore ?? [], path) : [];
  for (const name of dotFileNames) own.push(...fileRules(directory, name, path));
  const { maxFileSize = 0n, oneFileSystem = false } = node.policy.files;
  const rules: InheritedRules = {
    rules: own.length === 0 ? inherited.rules : inherited.rules.concat(own),
    dotFileNames,
    maxFileSizeBytes:
      node.isDefined && maxFileSize !== 0n ? maxFileSize : inherited.maxFileSizeBytes,
    oneFileSystem: node.isDefined ? oneFileSystem : inherited.oneFileSystem,
  };
  return new DirectoryContext(
    { path, node, inherited: rules, isCacheDirectory: false },
    options.device,
  );
}

function hasCacheTag(directory: IgnoreDirectory): boolean {
  const start = directory.readFile(CACHE_TAG_NAME, {
    maxLengthBytes: CACHE_TAG_SIGNATURE.length,
    followSymlinks: false,
  });
  if (start === undefined || start.length !== CACHE_TAG_SIGNATURE.length) return false;
  return String.fromCharCode(...start) === CACHE_TAG_SIGNATURE;
}

function policyRules(patterns: readonly string[], path: string): PatternMatcher[] {
  return patterns.map((pattern) =>
    compileRule(pattern, { base: path, place: `unable to parse ignore entry .${path}` }),
  );
}

function fileRules(directory: IgnoreDirectory, name: string, path: string): PatternMatcher[] {
  const maxLengthBytes = MAX_IGNORE_FILE_BYTES + 1;
  const data = directory.readFile(name, { maxLengthBytes, followSymlinks: true });
  if (data === undefined) return [];
  if (data.length === maxLengthBytes) {
    throw new KopiaError(
      "LIMIT_EXCEEDED",
      `ignore file ${path}/${name} is larger than ${MAX_IGNORE_FILE_BYTES} bytes`,
      { details: { path: `${path}/${name}` } },
    );
  }
  return parseIgnoreFile(data).map((pattern) =>
    compileRule(pattern, {
      base: path,
      place: `unable to parse ignore file ${name}: unable to parse ignore entry ${pattern}`,
    }),
  );
}

class DirectoryContext implements IgnoreContext {
  readonly node: PolicyTree;
  readonly isCacheDirectory: boolean;
  readonly #path: string;
  readonly #inherited: InheritedRules;
  readonly #device: number | undefined;
  #rulingNames: readonly string[] | undefined;
  /** Code points of `path/`, then of the name that is being asked about; reused for every entry. */
  #points: Uint32Array | undefined;
  #prefixLength = 0;

  constructor(
    parts: Omit<Entered, "directory"> & { readonly isCacheDirectory: boolean },
    device: number | undefined,
  ) {
    this.node = parts.node;
    this.isCacheDirectory = parts.isCacheDirectory;
    this.#path = parts.path;
    this.#inherited = parts.inherited;
    this.#device = device;
  }

  get ignoresNothing(): boolean {
    const { rules, maxFileSizeBytes, oneFileSystem } = this.#inherited;
    return rules.length === 0 && maxFileSizeBytes === 0n && !oneFileSystem;
  }

  get rulingNames(): readonly string[] {
    this.#rulingNames ??= [CACHE_TAG_NAME, ...this.#inherited.dotFileNames];
    return this.#rulingNames;
  }

  ignores(entry: IgnoreCandidate): boolean {
    const { rules, maxFileSizeBytes, oneFileSystem } = this.#inherited;
    if (rules.length > 0) {
      const lengthPoints = this.#writeName(entry.name);
      const path = { points: this.#points as Uint32Array, lengthPoints };
      if (rulesIgnore(rules, path, entry.isDirectory)) return true;
    }
    if (maxFileSizeBytes > 0n && !entry.isDirectory && entry.sizeBytes > maxFileSizeBytes)
      return true;
    return oneFileSystem && entry.device !== this.#device;
  }

  enter(name: string, directory: IgnoreDirectory, options: EnterOptions = {}): IgnoreContext {
    const entered: Entered = {
      path: `${this.#path}/${name}`,
      node: this.node.child(name),
      directory,
      inherited: this.#inherited,
    };
    return enterDirectory(entered, options);
  }

  /** Puts the name behind the directory's path; returns the number of code points of both. */
  #writeName(name: string): number {
    if (this.#points === undefined) this.#startPoints();
    let points = this.#points as Uint32Array;
    let length = this.#prefixLength;
    if (length + name.length > points.length) {
      points = new Uint32Array(length + 2 * name.length);
      points.set((this.#points as Uint32Array).subarray(0, length));
      this.#points = points;
    }
    for (let i = 0; i < name.length; i++) {
      const codePoint = name.codePointAt(i) as number;
      if (codePoint > 0xffff) i++;
      points[length++] = codePoint;
    }
    return length;
  }

  #startPoints(): void {
    const prefix = Array.from(`${this.#path}/`, (char) => char.codePointAt(0) as number);
    this.#prefixLength = prefix.length;
    this.#points = new Uint32Array(prefix.length + 256);
    this.#points.set(prefix);
  }
}
