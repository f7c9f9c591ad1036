import type { JsonObject, JsonValue } from "../base/json-value.ts";
import type { ThrottlingLimits } from "../blob/throttled-storage.ts";
import type { ClientOptions } from "./repository.ts";

/** Where a filesystem repository lies and how its files are made (spec 1 §10.2). */
export interface FilesystemConfig extends ThrottlingLimits {
  /** Absolute path of the storage root. */
  readonly path: string;
  /** Mode bits of new files; default 0600. */
  readonly fileMode?: number;
  /** Mode bits of new directories; default 0700. */
  readonly dirMode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Used only to create a missing `.shards`: `null` = the default, `[]` = flat. */
  readonly dirShards?: readonly number[] | null;
  readonly listParallelism?: number;
}

/** A value of a connection file, as JSON: nothing loses precision. */
export type ConfigValue = JsonValue;

/** Kind and settings of a storage, as stored. Only `filesystem` can be opened; others are kept as they are. */
export interface StorageConfig {
  readonly type: string;
  readonly config: JsonObject;
}

/** `caching` of the connection file (spec 1 §10.3). All absent = no caching. Sizes in bytes, ages in seconds. */
export interface CachingOptions {
  /** Absolute once read; written relative to the connection file's directory where possible. */
  readonly cacheDirectory?: string;
  readonly maxCacheSize?: number;
  readonly contentCacheSizeLimitBytes?: number;
  readonly maxMetadataCacheSize?: number;
  readonly metadataCacheSizeLimitBytes?: number;
  readonly maxListCacheDuration?: number;
  readonly minMetadataSweepAge?: number;
  readonly minContentSweepAge?: number;
  readonly minIndexSweepAge?: number;
}

/** The client part of the connection file. */
export interface ConnectionClientOptions extends ClientOptions {
  readonly enableActions: boolean;
  readonly permissiveCacheLoading?: boolean;
  /** Nanoseconds a cached format blob may be used by Kopia; negative: not on first use. */
  readonly formatBlobCacheDurationNs?: number;
  readonly throttlingLimits?: ThrottlingLimits;
}

/** The connection file `repository.config` (spec 1 §10.1). */
export interface Connection {
  /** Absent in a connection to a repository server. */
  readonly storage?: StorageConfig;
  /** Connection to a repository server; kept, but cannot be opened here. */
  readonly apiServer?: JsonObject;
  readonly caching: CachingOptions;
  readonly client: ConnectionClientOptions;
}
