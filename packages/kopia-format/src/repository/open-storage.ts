import { isAbsolute } from "node:path";
import { systemClock, type Clock } from "../base/clock.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { describeDirectory, type DirectoryDescription } from "../blob/describe-directory.ts";
import {
  openFilesystemStorage,
  type FilesystemStorageOptions,
} from "../blob/filesystem-storage.ts";
import { RetryingStorage } from "../blob/retrying-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { ThrottledStorage, type ThrottlingLimits } from "../blob/throttled-storage.ts";
import { THROTTLING_NUMBERS, parseFilesystemConfig } from "./connection-codec.ts";
import type { FilesystemConfig, StorageConfig } from "./connection.ts";

/** Layout of repositories of format version 1 (spec 1 §1.1). */
const FORMAT_1_SHARDS: readonly number[] = [3, 3];

/** How a storage is opened. */
export interface OpenStorageOptions {
  readonly readOnly?: boolean;
  /** Limits of the client; they replace those of the storage's own settings (spec 1 §10.1). */
  readonly throttlingLimits?: ThrottlingLimits;
  /** For pauses between tries and for throttling. */
  readonly clock?: Clock;
}

/**
 * Opens the storage of an existing repository: retried where that helps, throttled where limits are set.
 * Nothing is created.
 * @throws KopiaError `STORAGE_UNSUPPORTED` for kinds other than `filesystem`, `CONFIG_CORRUPT`, `ARGUMENT_INVALID`
 * for a path that is not absolute, `STORAGE_UNAVAILABLE`, `STORAGE_PERMISSION`.
 */
export async function openStorage(
  storage: StorageConfig,
  options: OpenStorageOptions = {},
): Promise<BlobStorage> {
  const config = parseFilesystemConfig(storage);
  assertAbsolute(config.path);
  const { clock = systemClock, throttlingLimits = limitsOf(config), readOnly = false } = options;
  const files = await openFilesystemStorage({ ...storageOptions(config), readOnly });
  const retrying = new RetryingStorage(files, clock);
  if (!hasLimits(throttlingLimits)) return retrying;
  return new ThrottledStorage(retrying, clock, throttlingLimits);
}

/**
 * Opens the storage for a new repository: makes the directory. The layout is written with the first blob:
 * `[1,3]` unless told otherwise.
 * @throws KopiaError `REPOSITORY_EXISTS`, `REPOSITORY_NESTED` naming the other repository's path,
 * `ARGUMENT_INVALID` for a path that is not absolute, `STORAGE_UNSUPPORTED`, `STORAGE_UNAVAILABLE`, `STORAGE_PERMISSION`.
 */
export async function openStorageForCreate(
  storage: StorageConfig,
  options: { readonly formatVersion?: number } = {},
): Promise<BlobStorage> {
  const config = parseFilesystemConfig(storage);
  assertAbsolute(config.path);
  assertPlaceForRepository(config.path, describeDirectory(config.path));
  const formatShards = options.formatVersion === 1 ? FORMAT_1_SHARDS : null;
  return openFilesystemStorage({
    ...storageOptions(config),
    dirShards: config.dirShards ?? formatShards,
    create: true,
  });
}

/** Runs `open`; when it fails, the storage is closed, and "no repository here" says what is there instead. */
export async function withOpenedStorage<Result>(
  storage: BlobStorage,
  config: StorageConfig,
  open: () => Promise<Result>,
): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    await storage.close();
    throw isKopiaError(error, "REPOSITORY_NOT_FOUND") ? explainNotFound(error, config) : error;
  }
}

function assertPlaceForRepository(path: string, found: DirectoryDescription): void {
  if (found.kind === "repository") {
    throw new KopiaError("REPOSITORY_EXISTS", `there is a repository already at ${path}`, {
      details: { path },
    });
  }
  if (found.kind !== "insideRepository" && found.kind !== "aroundRepository") return;
  const { repositoryPath } = found;
  const where = found.kind === "insideRepository" ? "lies inside" : "would lie around";
  throw new KopiaError(
    "REPOSITORY_NESTED",
    `a repository at ${path} ${where} the one at ${repositoryPath}: each would take the other's files for its own`,
    { details: { path, repositoryPath } },
  );
}

function explainNotFound(error: KopiaError, storage: StorageConfig): KopiaError {
  const { path } = parseFilesystemConfig(storage);
  let found: DirectoryDescription;
  try {
    found = describeDirectory(path);
  } catch {
    // Looking around is a courtesy; that it fails says nothing new.
    return error;
  }
  return new KopiaError(
    "REPOSITORY_NOT_FOUND",
    `there is no repository at ${path}: ${whatIsThere(found)}`,
    { details: { path }, cause: error },
  );
}

function whatIsThere(found: DirectoryDescription): string {
  switch (found.kind) {
    case "missing":
      return "the directory does not exist";
    case "notDirectory":
      return "it is not a directory";
    case "empty":
      return "the directory is empty";
    case "insideRepository":
      return `it lies inside the repository at ${found.repositoryPath}`;
    case "aroundRepository":
      return `there is one below it, at ${found.repositoryPath}`;
    case "blobs":
      return `blobs are there but kopia.repository is missing (${found.examples.join(", ")})`;
    case "foreign":
      return `other files are there (${found.examples.join(", ")})`;
    case "repository":
      return "kopia.repository lies where the layout in .shards does not have it";
  }
}

function storageOptions(config: FilesystemConfig): FilesystemStorageOptions {
  const { path, fileMode, dirMode, uid, gid, dirShards = null } = config;
  return {
    path,
    dirShards,
    ...(fileMode !== undefined && { fileMode }),
    ...(dirMode !== undefined && { dirMode }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  };
}

function hasLimits(limits: ThrottlingLimits): boolean {
  return Object.values(limitsOf(limits)).some((limit) => limit > 0);
}

/** The limits alone: settings of a storage hold its path and modes as well. */
function limitsOf(config: ThrottlingLimits): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name of THROTTLING_NUMBERS) {
    const value = config[name];
    if (value !== undefined) limits[name] = value;
  }
  return limits;
}

function assertAbsolute(path: string): void {
  if (isAbsolute(path)) return;
  throw new KopiaError(
    "ARGUMENT_INVALID",
    `the repository path ${JSON.stringify(path)} is not absolute`,
    { details: { path } },
  );
}
