import type { RandomBytes, WriteSession } from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import type { Source } from "../model/source.ts";
import type { PolicyTree } from "../policy/policy-tree.ts";
import type { ReadThreadOptions } from "../threads/read-threads.ts";
import type { ActionRunner } from "./action-runner.ts";
import type { UploadExecutor } from "./upload-executor.ts";
import type { UploadObserver } from "./upload-observer.ts";

/** What every upload needs. */
export interface UploadBaseOptions {
  readonly session: WriteSession;
  /** Identity under which the snapshot will be stored. */
  readonly source: Source;
  /** Policies of the source and below it (spec 2 §8.4). */
  readonly policyTree: PolicyTree;
  /** Stop after more than this many bytes were read (spec 2 §7.8). Default: no limit. */
  readonly uploadLimitBytes?: number;
  /** Cancels: the snapshot so far comes back with `incompleteReason` `canceled`. */
  readonly signal?: AbortSignal;
  readonly observer?: UploadObserver;
  /** Default and maximum: 45 minutes (spec 2 §7.10). */
  readonly checkpointIntervalMs?: number;
  /**
   * Saves a checkpoint manifest and makes it durable. Default: save it, then flush the session.
   * Give it to apply retention as well.
   */
  readonly saveCheckpoint?: (manifest: SnapshotManifest) => Promise<void>;
  /** Randomness for checkpoint names and `forceHashPercent`. Default: the system's. */
  readonly random?: RandomBytes;
}

/** Options of `uploadSnapshot`. */
export interface UploadOptions extends UploadBaseOptions {
  /** Directory or file to read. Default: `source.path`. A link is followed, once, here only (spec 2 §7.1). */
  readonly localPath?: string;
  /** Snapshots whose unchanged entries are reused, best first (`findPreviousSnapshots`, spec 2 §5.6). */
  readonly previousSnapshots?: readonly SnapshotManifest[];
  /** Probability in percent with which an unchanged file is read all the same. Default 0. */
  readonly forceHashPercent?: number;
  /** Reject at the first fatal error instead of recording it. Default false. */
  readonly failFast?: boolean;
  /** Runs the commands of policies around folders and the root (spec 2 §7.9). Default: none are run. */
  readonly actions?: ActionRunner;
  /** Default: an inline executor on this thread. */
  readonly executor?: UploadExecutor;
  /** Threads that store files, as in `CreateSnapshotOptions`. */
  readonly parallelFileReads?: number;
  /** How directories are compared with those of the previous snapshots by other threads. For tests. */
  readonly examineThreads?: ReadThreadOptions;
}

/** Options of `uploadStream`. */
export interface UploadStreamOptions extends UploadBaseOptions {
  /** Name of the one file in the virtual root directory. */
  readonly fileName: string;
  readonly stream: AsyncIterable<Uint8Array>;
}
