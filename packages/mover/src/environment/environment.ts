/** Variables of the Job's container. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the Job asks for. The last three are additions of this mover. */
export type Direction = "backup" | "restore" | "maintenance" | "drill" | "verify" | "report";

/** Retention counts as the Job gives them; an absent one is inherited (spec 4 §2.7). */
export interface RetentionCounts {
  readonly latest?: number;
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly annual?: number;
}

/** Which snapshot a restore takes, and what it does around it (spec 4 §2.8). */
export interface RestoreSelection {
  /** Only snapshots that started at or before this RFC 3339 time. */
  readonly asOf?: string;
  /** How many of the newest candidates to skip. */
  readonly previous: number;
  /** Look only among so many of the newest. */
  readonly shallow?: number;
  /** Exactly this snapshot, whoever made it. */
  readonly snapshotId?: string;
  /** Whether to list the identities that exist when nothing is found. */
  readonly discover: boolean;
  /** Whether "nothing found" is a failure. */
  readonly required: boolean;
  /** Whether to delete what is in the volume but not in the snapshot. */
  readonly deleteExtra: boolean;
  /** Whether a snapshot that the shrink guard marked may be taken. */
  readonly allowGuarded: boolean;
}

/** Commands around a snapshot (spec 4 §2.7 steps 2 and 5). */
export interface JobActions {
  readonly beforeSnapshot?: string;
  readonly afterSnapshot?: string;
}

/** When a source counts as shrunk (see `guard/shrink-guard.ts`). */
export interface ShrinkGuardSettings {
  /** Percent of the files of the last good snapshot that may be missing; 100: only an empty source trips; `undefined`: off. */
  readonly maxLossPercent?: number;
  /** What is there now is right: it becomes the new measure. */
  readonly accept: boolean;
  readonly exitCode: number;
}

/** Algorithms of a new repository, from `KOPIA_MANUAL_CONFIG` (spec 4 §2.6). */
export interface NewRepositorySettings {
  readonly encryption?: string;
  readonly splitter?: string;
}

/** Limits of the cache, in MB of 2^20 bytes; absent: the default. */
export interface CacheLimits {
  readonly metadataMb?: number;
  readonly contentMb?: number;
  /** Size of the cache volume as the operator knows it. */
  readonly capacityBytes?: number;
  /** Empty the cache first. */
  readonly rebuild: boolean;
}

/** Limits on time, in milliseconds. Absent: none. */
export interface TimeLimits {
  readonly overallMs?: number;
  /** Longest time without any progress. */
  readonly idleMs?: number;
}

/** The Job's environment, checked and typed (spec 4 §1.7, filesystem part). */
export interface MoverEnvironment {
  readonly dataDirectory: string;
  readonly cacheDirectory: string;
  /** Never print it. */
  readonly password: string;
  readonly repositoryPath: string;
  readonly userName?: string;
  readonly hostname?: string;
  /** Path recorded in the snapshot; default: `dataDirectory` (backup), `/data` (restore into a volume). */
  readonly sourcePath: string;
  readonly compression?: string;
  readonly parallelism?: number;
  readonly retention: RetentionCounts;
  /** Retention counts that are not given are 0 instead of inherited. */
  readonly strictRetention: boolean;
  readonly restore: RestoreSelection;
  readonly actions: JobActions;
  readonly shrinkGuard: ShrinkGuardSettings;
  readonly newRepository: NewRepositorySettings;
  readonly cache: CacheLimits;
  readonly time: TimeLimits;
  /** For `snapshot create` or `snapshot restore`, split and checked (spec 4 §2.5). */
  readonly additionalArguments: readonly string[];
  readonly globalPolicyFile?: string;
  /** Whether a backup whose only fault is unreadable source files succeeds. */
  readonly acceptsSourceErrors: boolean;
  /** A new repository may only be made below a mounted volume, never on the container's own root. */
  readonly requiresMount: boolean;
  /** A new repository may replace one that the cache remembers at the same place. */
  readonly allowsNewRepository: boolean;
}
