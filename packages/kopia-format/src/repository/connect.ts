import { rmSync } from "node:fs";
import { isAbsolute, join, resolve } from "node:path";
import { bytesEqual, type Bytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import { readConnection, writeConnection } from "./connection-file.ts";
import type {
  CachingOptions,
  Connection,
  ConnectionClientOptions,
  StorageConfig,
} from "./connection.ts";
import { defaultCacheDirectory, defaultIdentity, type Environment } from "./default-paths.ts";
import { OverlayStorage } from "../blob/overlay-storage.ts";
import { openRepository, type OpenRepositoryOptions } from "./open-repository.ts";
import { openStorage, withOpenedStorage } from "./open-storage.ts";
import {
  readPersistedKey,
  removePersistedKey,
  writePersistedKey,
  type KeyPlaces,
} from "./persisted-key.ts";
import {
  readPersistedPassword,
  removePersistedPassword,
  writePersistedPassword,
} from "./persisted-password.ts";
import type { RepositoryCacheOptions } from "./repository-cache.ts";
import type { Repository } from "./repository.ts";
import { watchStorage, type WatchOptions } from "./watch-storage.ts";

/** 5000 MiB, for contents and for metadata each (spec 3 §6.3). */
const DEFAULT_CACHE_BYTES = 5000 * 2 ** 20;
const DEFAULT_LIST_CACHE_SECONDS = 30;
/** 15 minutes (spec 1 §10.1). */
const DEFAULT_FORMAT_CACHE_NS = 900_000_000_000;

/** What Go takes for `false` in a variable. */
const FALSE_VALUES = new Set(["0", "f", "F", "false", "FALSE", "False"]);

/** What `connectRepository` is told. */
export interface ConnectOptions {
  readonly configPath: string;
  readonly storage: StorageConfig;
  readonly password: string;
  /** Default: this user and host, read-write, `Repository in …`. */
  readonly client?: Partial<ConnectionClientOptions>;
  /** Default: 5000 MiB each in the default directory. A `maxCacheSize` of 0 turns all caching off. */
  readonly caching?: CachingOptions;
  /** Stores the password beside the connection file. Default true. */
  readonly persistPassword?: boolean;
  /** For default paths, `KOPIA_CACHE_DIRECTORY`, and as in `openConnection`. */
  readonly env: Environment;
  readonly clock?: Clock;
  /** The format that `createRepository` gave: spares the key derivation. */
  readonly format?: RepositoryFormat;
  /** As in `OpenRepositoryOptions`. */
  readonly onUpgradeWait?: NonNullable<OpenRepositoryOptions["onUpgradeWait"]>;
  readonly signal?: AbortSignal;
}

/**
 * Opens the repository to prove storage, password and index, then writes the connection file (and password).
 * An existing connection is only replaced once the new one has been proven.
 * @throws KopiaError as `openStorage`, `openRepository` and `writeConnection`.
 */
export async function connectRepository(options: ConnectOptions): Promise<Connection> {
  return (await proveAndConnect(options)).connection;
}

/**
 * As `connectRepository`, and opens the repository of the new connection: with the key at hand, which
 * spares a second derivation.
 * @param open as in `openConnection`; password, environment and clock are those of the connection.
 * @throws KopiaError as `connectRepository` and `openConnection`.
 */
export async function connectAndOpen(
  options: ConnectOptions,
  open: Omit<OpenConnectionOptions, "password" | "env" | "clock" | "format"> = {},
): Promise<Repository> {
  const { configPath, password, env, clock } = options;
  const { format } = await proveAndConnect(options);
  const same = { password, env, format, ...(clock !== undefined && { clock }) };
  return openConnection(configPath, { ...open, ...same });
}

async function proveAndConnect(
  options: ConnectOptions,
): Promise<{ connection: Connection; format: RepositoryFormat }> {
  const { configPath, storage, password, env } = options;
  const identity = { ...defaultIdentity(env), ...options.client };
  const client = { readOnly: false, description: "", enableActions: false, ...identity };
  const blobs = await openStorage(storage, { readOnly: client.readOnly });
  const formatKey = await keyOfFormerConnection(options);
  const opened = await withOpenedStorage(blobs, storage, () =>
    openRepository(blobs, {
      password,
      client,
      ...(formatKey !== undefined && { formatKey }),
      ...environmentOptions(env),
      ...(options.clock !== undefined && { clock: options.clock }),
      ...(options.format !== undefined && { format: options.format }),
      ...(options.onUpgradeWait !== undefined && { onUpgradeWait: options.onUpgradeWait }),
      ...(options.signal !== undefined && { signal: options.signal }),
    }),
  );
  const { format } = opened;
  await opened.close();
  const connection: Connection = {
    storage,
    caching: completeCaching(options, format.uniqueId),
    client: {
      ...client,
      description: client.description || `Repository in ${blobs.displayName}`,
      formatBlobCacheDurationNs: client.formatBlobCacheDurationNs ?? DEFAULT_FORMAT_CACHE_NS,
    },
  };
  discardCachedFormat(connection.caching);
  await writeConnection(configPath, connection);
  const keyPlaces = keyPlacesOf(configPath, connection.caching, env);
  if (options.persistPassword ?? true) {
    await writePersistedPassword(configPath, password);
    if (keyPlaces !== undefined) writePersistedKey(keyPlaces, format.formatKey, systemRandom);
  } else {
    await removePersistedPassword(configPath);
    removePersistedKey(configPath, keyPlaces?.cacheDirectory);
  }
  return { connection, format };
}

/** The key that was stored for the same password by the connection that is replaced: jobs connect anew each time. */
async function keyOfFormerConnection({
  configPath,
  password,
  env,
}: ConnectOptions): Promise<Bytes | undefined> {
  try {
    const { caching } = await readConnection(configPath);
    if ((await readPersistedPassword(configPath)) !== password) return undefined;
    const places = keyPlacesOf(configPath, caching, env);
    return places && readPersistedKey(places);
  } catch {
    // No connection, or a damaged one: it is about to be replaced.
    return undefined;
  }
}

/**
 * Removes the format blobs that the original program may have cached: after they were changed, too.
 * The original program trusts a cached format blob for 15 minutes without asking whose it is, and would write with the
 * keys of another repository (spec 1, additions to §2.12). Removing it is always safe.
 */
export function discardCachedFormat(caching: CachingOptions): void {
  if (caching.cacheDirectory === undefined) return;
  for (const name of ["kopia.repository", "kopia.blobcfg"]) {
    try {
      rmSync(join(caching.cacheDirectory, name), { force: true });
    } catch {
      // No such directory, or not ours to change: then nothing of use to the original is there either.
    }
  }
}

/** What `openConnection` is told. */
export interface OpenConnectionOptions extends WatchOptions {
  /** Absent: the stored password is used. */
  readonly password?: string;
  /**
   * `KOPIA_CACHE_DIRECTORY` (when absolute), `KOPIA_REPO_UPGRADE_OWNER_ID`, `KOPIA_IGNORE_MALFORMED_MANIFEST_CONTENTS`,
   * `KOPIA_ENABLE_CLOCK_SKEW_CHECK`, `KOPIA_ENGINE_WRITE_LZ4` (see `ClientOptions.writeLz4`).
   */
  readonly env?: Environment;
  /** Opens for reading whatever the connection says. */
  readonly readOnly?: boolean;
  /** `false`: reads what the storage holds now, whatever the cache has. For verification. Default true. */
  readonly useCache?: boolean;
  /** The format that `createRepository` or an earlier open gave: spares the key derivation. */
  readonly format?: RepositoryFormat;
  /** What is written stays in memory and is gone at the end: for showing what a change would do. */
  readonly dryRun?: boolean;
  /** As in `OpenRepositoryOptions`. */
  readonly onUnreadableIndex?: NonNullable<OpenRepositoryOptions["onUnreadableIndex"]>;
  /** As in `OpenRepositoryOptions`. */
  readonly onUpgradeWait?: NonNullable<OpenRepositoryOptions["onUpgradeWait"]>;
  readonly signal?: AbortSignal;
  /** As in `OpenRepositoryOptions`. */
  readonly onRepair?: NonNullable<OpenRepositoryOptions["onRepair"]>;
}

/**
 * Opens the repository of a connection file.
 * @throws KopiaError `REPOSITORY_NOT_CONNECTED`, `CONFIG_CORRUPT`, `NOT_IMPLEMENTED` for a repository server,
 * `INVALID_PASSWORD` when no password is given or stored, and as `openStorage` and `openRepository`.
 */
export async function openConnection(
  configPath: string,
  options: OpenConnectionOptions = {},
): Promise<Repository> {
  const connection = await readConnection(configPath);
  const { storage } = connection;
  if (storage === undefined) {
    throw new KopiaError(
      "NOT_IMPLEMENTED",
      `${configPath} connects to a repository server, which is not available yet`,
      { details: { configPath } },
    );
  }
  const { env = {}, readOnly, useCache = true, dryRun = false, ...passedOn } = options;
  const persisted = await readPersistedPasswordIfAny(configPath, options.password);
  const password = options.password ?? persisted ?? noPassword(configPath);
  const keyPlaces =
    persisted === password ? keyPlacesOf(configPath, connection.caching, env) : undefined;
  const formatKey = keyPlaces && readPersistedKey(keyPlaces);
  const isReadOnly = !dryRun && (readOnly ?? connection.client.readOnly);
  const writeLz4 = isTrue(env["KOPIA_ENGINE_WRITE_LZ4"]);
  const client = { ...connection.client, readOnly: isReadOnly, writeLz4 };
  const cache = useCache ? cacheOf(connection.caching, env) : undefined;
  const stored = await openStorage(storage, {
    readOnly: client.readOnly || dryRun,
    ...(client.throttlingLimits !== undefined && { throttlingLimits: client.throttlingLimits }),
    ...(options.clock !== undefined && { clock: options.clock }),
  });
  const blobs = dryRun ? new OverlayStorage(stored, { closesInner: true }) : stored;
  const watched = watchStorage(blobs, client, options);
  const repository = await withOpenedStorage(blobs, storage, () =>
    openRepository(watched.storage, {
      ...passedOn,
      ...(watched.log !== undefined && { log: watched.log }),
      ...environmentOptions(env),
      ...(cache !== undefined && { cache }),
      ...(formatKey !== undefined && { formatKey }),
      password,
      client,
    }),
  );
  const derived = repository.format.formatKey;
  const isStored = formatKey !== undefined && bytesEqual(formatKey, derived);
  if (keyPlaces !== undefined && !isStored) writePersistedKey(keyPlaces, derived, systemRandom);
  return repository;
}

/** A stored password that cannot be read is no obstacle where one was given. */
async function readPersistedPasswordIfAny(
  configPath: string,
  given: string | undefined,
): Promise<string | undefined> {
  try {
    return await readPersistedPassword(configPath);
  } catch (error) {
    if (given !== undefined) return undefined;
    throw error;
  }
}

/** Where a connection may keep its format key: nowhere without a cache directory. */
function keyPlacesOf(
  configPath: string,
  caching: CachingOptions,
  env: Environment,
): KeyPlaces | undefined {
  const cacheDirectory = cacheOf(caching, env)?.directory;
  return cacheDirectory === undefined ? undefined : { configPath, cacheDirectory };
}

function noPassword(configPath: string): never {
  throw new KopiaError(
    "INVALID_PASSWORD",
    `no password was given, and none is stored beside ${configPath}`,
    { details: { configPath } },
  );
}

function environmentOptions(
  env: Environment,
): Pick<OpenRepositoryOptions, "upgradeOwnerId" | "ignoreMalformedManifests" | "checkClockSkew"> {
  const upgradeOwnerId = env["KOPIA_REPO_UPGRADE_OWNER_ID"] ?? "";
  return {
    checkClockSkew: isTrue(env["KOPIA_ENABLE_CLOCK_SKEW_CHECK"]),
    ignoreMalformedManifests: (env["KOPIA_IGNORE_MALFORMED_MANIFEST_CONTENTS"] ?? "") !== "",
    ...(upgradeOwnerId !== "" && { upgradeOwnerId }),
  };
}

/** A variable that is set, and to something that Go does not take for false. */
function isTrue(value: string | undefined = ""): boolean {
  return value !== "" && !FALSE_VALUES.has(value);
}

function completeCaching(options: ConnectOptions, uniqueId: Uint8Array): CachingOptions {
  const { caching = {}, configPath, env } = options;
  if (caching.maxCacheSize === 0) return {};
  const directory = caching.cacheDirectory ?? env["KOPIA_CACHE_DIRECTORY"] ?? "";
  return {
    maxCacheSize: DEFAULT_CACHE_BYTES,
    maxMetadataCacheSize: DEFAULT_CACHE_BYTES,
    maxListCacheDuration: DEFAULT_LIST_CACHE_SECONDS,
    ...caching,
    cacheDirectory:
      directory === "" ? defaultCacheDirectory({ env, uniqueId, configPath }) : resolve(directory),
  };
}

/** The cache that a connection asks for; an absolute `KOPIA_CACHE_DIRECTORY` wins (spec 3 §7.1). */
function cacheOf(caching: CachingOptions, env: Environment): RepositoryCacheOptions | undefined {
  const fromEnvironment = env["KOPIA_CACHE_DIRECTORY"] ?? "";
  const directory = isAbsolute(fromEnvironment) ? fromEnvironment : caching.cacheDirectory;
  const { maxCacheSize = 0, maxMetadataCacheSize = 0 } = caching;
  if (directory === undefined || caching.cacheDirectory === undefined) return undefined;
  if (maxCacheSize === 0) return undefined;
  return { directory, maxContentBytes: maxCacheSize, maxMetadataBytes: maxMetadataCacheSize };
}
