import { LocalIgnoreFiles } from "../fs/local-ignore-files.ts";
import { type LocalEntry, readLocalEntry, readLocalNames } from "../fs/local-directory.ts";
import { isPlaceholder } from "../fs/placeholder.ts";
import { type LocalPath, joinLocalPath } from "../fs/local-path.ts";
import { type IgnoreContext, enterRoot } from "../policy/ignore-context.ts";
import type { PolicyTree } from "../policy/policy-tree.ts";
import { openLocalSource } from "./local-source.ts";
import type { Source } from "../model/source.ts";

/** A file that stands for others of its size. */
export interface EstimateExample {
  /** Relative to the source. */
  readonly path: string;
  readonly sizeBytes: number;
}

/** Files of about one size. */
export interface EstimateBucket {
  /** At least so many bytes: 0, or a power of ten from 1000. */
  readonly minBytes: number;
  fileCount: number;
  totalBytes: number;
  readonly examples: EstimateExample[];
}

/** What a snapshot would hold and leave out. Buckets go from large to small; only those with files. */
export interface SnapshotEstimate {
  readonly included: readonly EstimateBucket[];
  readonly excluded: readonly EstimateBucket[];
  readonly excludedDirectoryCount: number;
  readonly excludedDirectories: readonly string[];
  readonly errorCount: number;
}

/** What an estimate is told. */
export interface EstimateOptions {
  /** Directory to look at; nothing in it is read but listings and ignore files. */
  readonly path: string;
  readonly source: Source;
  readonly policyTree: PolicyTree;
  /** Default 10. */
  readonly maxExamplesPerBucket?: number;
  /** Before a directory is looked at; `.` for the root. */
  readonly onDirectory?: (path: string) => void;
  /** Awaited after every 64 directories. Default: lets others have a turn. */
  readonly breathe?: () => Promise<void>;
  readonly signal?: AbortSignal;
}

const THRESHOLDS = [1e15, 1e14, 1e13, 1e12, 1e11, 1e10, 1e9, 1e8, 1e7, 1e6, 1e5, 1e4, 1e3, 0];
const DIRECTORIES_PER_BREATH = 64;

/**
 * Walks a directory with its ignore rules and counts what a snapshot would hold (spec 2 §9.10).
 * @throws KopiaError `SOURCE_UNREADABLE`; the signal's reason when aborted. Directories below that
 * cannot be listed are counted.
 */
export async function estimateSnapshot(options: EstimateOptions): Promise<SnapshotEstimate> {
  const walk = new EstimateWalk(options);
  await walk.run();
  return walk.result();
}

interface OpenDirectory {
  readonly path: LocalPath;
  /** Empty for the root, else ends in a slash. */
  readonly prefix: string;
  readonly ignore: IgnoreContext;
  readonly names: ReturnType<typeof readLocalNames>;
}

class EstimateWalk {
  readonly #options: EstimateOptions;
  readonly #maxExamples: number;
  readonly #included = emptyBuckets();
  readonly #excluded = emptyBuckets();
  readonly #excludedDirectories: string[] = [];
  #excludedDirectoryCount = 0;
  #errorCount = 0;

  constructor(options: EstimateOptions) {
    this.#options = options;
    this.#maxExamples = options.maxExamplesPerBucket ?? 10;
  }

  result(): SnapshotEstimate {
    const used = (buckets: readonly EstimateBucket[]): EstimateBucket[] =>
      buckets.filter(({ fileCount }) => fileCount > 0);
    return {
      included: used(this.#included),
      excluded: used(this.#excluded),
      excludedDirectoryCount: this.#excludedDirectoryCount,
      excludedDirectories: this.#excludedDirectories,
      errorCount: this.#errorCount,
    };
  }

  async run(): Promise<void> {
    const { path, entry } = openLocalSource(this.#options.path, this.#options.source);
    // What stands for a directory has nothing to be read.
    if (entry.kind === "d" && isPlaceholder(entry)) return;
    const names = readLocalNames(path);
    const files = new LocalIgnoreFiles(path, names);
    const ignore = enterRoot(this.#options.policyTree, files, { device: entry.device });
    const pending: OpenDirectory[] = [{ path, prefix: "", ignore, names }];
    let sinceBreath = 0;
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      this.#options.onDirectory?.(at.prefix === "" ? "." : at.prefix.slice(0, -1));
      if (!at.ignore.isCacheDirectory) pending.push(...this.#examine(at).toReversed());
      if (++sinceBreath < DIRECTORIES_PER_BREATH) continue;
      sinceBreath = 0;
      await (this.#options.breathe ?? nextTurn)();
      this.#options.signal?.throwIfAborted();
    }
  }

  /** Counts the entries of a directory; gives its sub-directories. */
  #examine(directory: OpenDirectory): OpenDirectory[] {
    const below: OpenDirectory[] = [];
    for (const name of directory.names) {
      const entry = readLocalEntry(directory.path, name);
      if (entry === undefined) continue;
      if ("error" in entry) {
        this.#errorCount++;
        continue;
      }
      const path = directory.prefix + entry.name;
      if (directory.ignore.ignores(entry)) this.#exclude(path, entry);
      else if (entry.isDirectory && isPlaceholder(entry)) continue;
      else if (entry.isDirectory) below.push(...this.#enter(directory, entry));
      else if (entry.kind === "f") this.#count(this.#included, path, entry);
    }
    return below;
  }

  #enter(directory: OpenDirectory, entry: LocalEntry): OpenDirectory[] {
    const path = joinLocalPath(directory.path, entry);
    try {
      const names = readLocalNames(path);
      const files = new LocalIgnoreFiles(path, names);
      const ignore = directory.ignore.enter(entry.name, files, { device: entry.device });
      return [{ path, prefix: `${directory.prefix}${entry.name}/`, ignore, names }];
    } catch {
      // As in a snapshot: it cannot be listed, or its ignore rules cannot be used.
      this.#errorCount++;
      return [];
    }
  }

  #exclude(path: string, entry: LocalEntry): void {
    if (!entry.isDirectory) {
      this.#count(this.#excluded, path, entry);
      return;
    }
    this.#excludedDirectoryCount++;
    if (this.#excludedDirectories.length < this.#maxExamples) this.#excludedDirectories.push(path);
  }

  #count(buckets: readonly EstimateBucket[], path: string, { sizeBytes }: LocalEntry): void {
    const bucket = buckets.find(({ minBytes }) => sizeBytes >= minBytes);
    if (bucket === undefined) return;
    bucket.fileCount++;
    bucket.totalBytes += sizeBytes;
    if (bucket.examples.length < this.#maxExamples) bucket.examples.push({ path, sizeBytes });
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function emptyBuckets(): readonly EstimateBucket[] {
  return THRESHOLDS.map((minBytes) => ({ minBytes, fileCount: 0, totalBytes: 0, examples: [] }));
}
