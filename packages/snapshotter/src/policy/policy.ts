/**
 * A policy as stored (spec 2 §8.2). Names are those of the JSON document. An absent field is not set:
 * it is inherited; `false` and `0` that are present count. Sizes and seconds are int64, hence bigint.
 */
export interface Policy {
  readonly retention: RetentionPolicy;
  readonly files: FilesPolicy;
  readonly errorHandling: ErrorHandlingPolicy;
  readonly scheduling: SchedulingPolicy;
  readonly compression: CompressionPolicy;
  readonly metadataCompression: MetadataCompressionPolicy;
  readonly splitter: SplitterPolicy;
  readonly actions: ActionsPolicy;
  readonly osSnapshots: OsSnapshotsPolicy;
  readonly logging: LoggingPolicy;
  readonly upload: UploadPolicy;
  /** Nothing is inherited, not even the built-in defaults. */
  readonly noParent?: boolean;
  /** Fields this version does not know, by the section's path (`""`, `files`, …); written back unchanged. */
  readonly unknownFields?: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

/** How many snapshots of each period are kept (spec 2 §8.5). */
export interface RetentionPolicy {
  readonly keepLatest?: number;
  readonly keepHourly?: number;
  readonly keepDaily?: number;
  readonly keepWeekly?: number;
  readonly keepMonthly?: number;
  readonly keepAnnual?: number;
  readonly ignoreIdenticalSnapshots?: boolean;
}

/** Which files are left out (spec 2 §7.6). */
export interface FilesPolicy {
  readonly ignore?: readonly string[];
  readonly noParentIgnore?: boolean;
  readonly ignoreDotFiles?: readonly string[];
  readonly noParentDotFiles?: boolean;
  readonly ignoreCacheDirs?: boolean;
  /** Bytes. */
  readonly maxFileSize?: bigint;
  readonly oneFileSystem?: boolean;
}

/** Which errors do not fail a snapshot. */
export interface ErrorHandlingPolicy {
  readonly ignoreFileErrors?: boolean;
  readonly ignoreDirectoryErrors?: boolean;
  readonly ignoreUnknownTypes?: boolean;
}

/** A time of day in the local zone. */
export interface TimeOfDay {
  readonly hour: number;
  readonly min: number;
}

/** When snapshots are due (spec 2 §8.7). */
export interface SchedulingPolicy {
  readonly intervalSeconds?: bigint;
  readonly timeOfDay?: readonly TimeOfDay[];
  readonly noParentTimeOfDay?: boolean;
  readonly manual?: boolean;
  readonly cron?: readonly string[];
  readonly runMissed?: boolean;
}

/** Which files are compressed, and how (spec 2 §8.6). */
export interface CompressionPolicy {
  readonly compressorName?: string;
  readonly onlyCompress?: readonly string[];
  readonly noParentOnlyCompress?: boolean;
  readonly neverCompress?: readonly string[];
  readonly noParentNeverCompress?: boolean;
  /** Bytes. */
  readonly minSize?: bigint;
  /** Bytes. */
  readonly maxSize?: bigint;
}

/** How directory listings are compressed. */
export interface MetadataCompressionPolicy {
  readonly compressorName?: string;
}

/** Which splitter file data gets. */
export interface SplitterPolicy {
  readonly algorithm?: string;
}

/** A command that is run around a snapshot (spec 2 §7.9). */
export interface ActionCommand {
  readonly path?: string;
  readonly args?: readonly string[];
  readonly script?: string;
  /** Seconds. */
  readonly timeout?: number;
  readonly mode?: string;
}

/** Commands around folders and snapshot roots. */
export interface ActionsPolicy {
  readonly beforeFolder?: ActionCommand;
  readonly afterFolder?: ActionCommand;
  readonly beforeSnapshotRoot?: ActionCommand;
  readonly afterSnapshotRoot?: ActionCommand;
}

/** File system snapshots of the operating system: 0 never, 1 always, 2 when available. */
export interface OsSnapshotsPolicy {
  readonly volumeShadowCopy: { readonly enable?: number };
}

/** Levels of detail, 0 to 10. */
export interface LoggingPolicy {
  readonly directories: { readonly snapshotted?: number; readonly ignored?: number };
  readonly entries: {
    readonly snapshotted?: number;
    readonly ignored?: number;
    readonly cacheHit?: number;
    readonly cacheMiss?: number;
  };
}

/** How much runs at the same time. */
export interface UploadPolicy {
  readonly maxParallelSnapshots?: number;
  readonly maxParallelFileReads?: number;
  /** Bytes. */
  readonly parallelUploadAboveSize?: bigint;
}

/** A policy in which nothing is set. */
export const EMPTY_POLICY: Policy = {
  retention: {},
  files: {},
  errorHandling: {},
  scheduling: {},
  compression: {},
  metadataCompression: {},
  splitter: {},
  actions: {},
  osSnapshots: { volumeShadowCopy: {} },
  logging: { directories: {}, entries: {} },
  upload: {},
};

/** The built-in defaults, stored as the global policy of a new repository (spec 2 §8.3). */
export const DEFAULT_POLICY: Policy = {
  ...EMPTY_POLICY,
  retention: {
    keepLatest: 10,
    keepHourly: 48,
    keepDaily: 7,
    keepWeekly: 4,
    keepMonthly: 24,
    keepAnnual: 3,
    ignoreIdenticalSnapshots: false,
  },
  files: { ignoreDotFiles: [".kopiaignore"] },
  errorHandling: {
    ignoreFileErrors: false,
    ignoreDirectoryErrors: false,
    ignoreUnknownTypes: true,
  },
  scheduling: { runMissed: true },
  compression: { compressorName: "none" },
  metadataCompression: { compressorName: "zstd-fastest" },
  osSnapshots: { volumeShadowCopy: { enable: 0 } },
  logging: {
    directories: { snapshotted: 5, ignored: 5 },
    entries: { snapshotted: 0, ignored: 5, cacheHit: 0, cacheMiss: 0 },
  },
  upload: { maxParallelSnapshots: 1, parallelUploadAboveSize: 2_147_483_648n },
};
