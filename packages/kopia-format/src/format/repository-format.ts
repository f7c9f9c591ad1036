import type { Bytes } from "../base/bytes.ts";

/** Epoch parameters of the format (spec 1 §3.3). Durations in nanoseconds, as stored. */
export interface EpochParameters {
  readonly enabled: boolean;
  readonly epochRefreshFrequencyNs: number;
  readonly fullCheckpointFrequency: number;
  readonly cleanupSafetyMarginNs: number;
  readonly minEpochDurationNs: number;
  readonly epochAdvanceOnCountThreshold: number;
  readonly epochAdvanceOnTotalSizeBytesThreshold: number;
  readonly deleteParallelism: number;
}

/** Upgrade lock inside the format (spec 1 §2.6). Times as stored text, durations in nanoseconds. */
export interface UpgradeLock {
  readonly ownerId: string;
  readonly creationTime: string;
  readonly advanceNoticeDurationNs: number;
  readonly ioDrainTimeoutNs: number;
  readonly statusPollIntervalNs: number;
  readonly message: string;
  readonly maxPermittedClockDriftNs: number;
}

/** A feature that a client must know, or may only be warned about (spec 1 §2.4). */
export interface RequiredFeature {
  readonly feature: string;
  readonly ifNotUnderstood: {
    readonly warn: boolean;
    readonly message?: string;
    readonly url?: string;
    readonly upgradeToVersion?: string;
  };
}

/** The decrypted part of `kopia.repository` (spec 1 §2.3), legacy defaults applied. */
export interface ContentFormat {
  readonly hash: string;
  readonly encryption: string;
  /** Empty when there is no error correction. */
  readonly ecc: string;
  readonly eccOverheadPercent: number;
  /** Hash key; empty in repositories without one. Never print it. */
  readonly secret: Bytes;
  /** Master encryption key. Never print it. */
  readonly masterKey: Bytes;
  /** Format version, 1 to 3. */
  readonly version: number;
  readonly maxPackSizeBytes: number;
  readonly indexVersion: number;
  readonly epochParameters: EpochParameters;
  readonly enablePasswordChange: boolean;
  /** Splitter name; empty means `FIXED` (spec 2 §1.1). */
  readonly splitter: string;
  readonly upgradeLock?: UpgradeLock;
  readonly requiredFeatures: readonly RequiredFeature[];
}

/** Blob retention settings of `kopia.blobcfg` (spec 1 §2.5). */
export interface BlobRetention {
  readonly retentionMode?: string;
  readonly retentionPeriodNs?: number;
}

/** All that `kopia.repository` and `kopia.blobcfg` say, once the password has opened them. */
export interface RepositoryFormat {
  /** 32 bytes; salt of every derivation. */
  readonly uniqueId: Bytes;
  readonly keyAlgorithm: string;
  /** Key derived from the password (spec 1 §2.2). Never print it. */
  readonly formatKey: Bytes;
  readonly content: ContentFormat;
  readonly blobRetention: BlobRetention;
  /** Exact bytes of `kopia.repository` as read: copied into packs where passwords cannot change (spec 1 §2.7). */
  readonly formatBlob?: Bytes;
}
