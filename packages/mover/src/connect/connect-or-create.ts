import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Repository,
  type RepositoryFormat,
  KopiaError,
  connectAndOpen,
  createRepository,
  filesystemStorageConfig,
  isKopiaError,
  openStorageForCreate,
} from "@kopia-engine/kopia-format";
import { prepareNewRepository } from "@kopia-engine/snapshotter";
import type { MoverEnvironment } from "../environment/environment.ts";
import type { JobContext } from "../jobs/job-context.ts";
import { prepareCache } from "./cache-directory.ts";
import { assertMayCreate, explainMissing } from "./new-repository.ts";

const BYTES_PER_MB = 2 ** 20;
const DEFAULT_CACHE_BYTES = 5000 * BYTES_PER_MB;

/** How a job connects. */
export interface ConnectMode {
  /** Nothing is written, neither to the repository nor about the connection into it. */
  readonly readOnly?: boolean;
  /** `false`: reads what the storage holds now. Default true. */
  readonly useCache?: boolean;
  /** The format of a repository that was just made: spares a key derivation. */
  readonly format?: RepositoryFormat;
}

/**
 * Opens the repository. The connection file lands where the original mover keeps it,
 * `<cache>/kopia.config`, so that either mover can follow the other. A cache that cannot be written
 * (full, damaged, another owner's) is done without.
 * @returns `undefined` when there is no repository yet: its directory is empty or missing.
 * @throws KopiaError as `connectAndOpen`; `STORAGE_UNAVAILABLE` when the directory around the
 * repository is missing; `REPOSITORY_NOT_FOUND`, `REPOSITORY_FOREIGN_DATA` or `REPOSITORY_NESTED` when
 * something else lies there (spec 4 §2.4 step 7, §5.9).
 */
export async function connect(
  job: MoverEnvironment,
  context: JobContext,
  mode: ConnectMode = {},
): Promise<Repository | undefined> {
  const warning = prepareCache(job.cacheDirectory, job.cache);
  if (warning !== undefined) context.log.warn(warning);
  let repository: Repository;
  try {
    repository = await openWithOrWithoutCache(job, context, mode);
  } catch (error) {
    const mayBeNew =
      isKopiaError(error, "REPOSITORY_NOT_FOUND") || isKopiaError(error, "STORAGE_UNAVAILABLE");
    if (!mayBeNew || explainMissing(job.repositoryPath, error) !== "vacant") throw error;
    return undefined;
  }
  context.log.info(`Repository connected: ${repository.storage.displayName}`);
  const { username, hostname } = repository.client;
  context.log.info(`Identity: ${username}@${hostname}`);
  return repository;
}

/**
 * Opens the repository, or creates it where there is none yet: never when the mount is missing, the
 * password is wrong, something else lies there, or the cache remembers a repository at this place.
 * @throws KopiaError as `connect`, `assertMayCreate` and `openStorageForCreate`.
 */
export async function connectOrCreate(
  job: MoverEnvironment,
  context: JobContext,
): Promise<Repository> {
  try {
    return await openOrCreate(job, context);
  } catch (error) {
    // People search logs for the original's words for whatever kept it from its repository (spec 4 §2.4).
    context.log.error("Failed to create repository or to connect to it");
    throw error;
  }
}

async function openOrCreate(job: MoverEnvironment, context: JobContext): Promise<Repository> {
  const existing = await connect(job, context);
  if (existing !== undefined) return existing;
  await assertMayCreate(job);
  context.log.info(`No repository at ${job.repositoryPath}, creating one`);
  const storage = await openStorageForCreate(filesystemStorageConfig({ path: job.repositoryPath }));
  let format: RepositoryFormat;
  try {
    format = await createRepository(storage, {
      password: job.password,
      format: job.newRepository,
    });
  } finally {
    await storage.close();
  }
  const created = await connect(job, context, { format });
  if (created === undefined)
    throw new KopiaError(
      "STORAGE_UNAVAILABLE",
      `${job.repositoryPath} vanished after it was created`,
    );
  // The identity is set by now: the owner of maintenance is somebody who exists (spec 4 §0.4 item 4).
  await using session = await created.writeSession();
  await prepareNewRepository(session);
  context.log.info("Repository created");
  return created;
}

/** The connection file of this Job, where the original mover keeps it. */
export function configPath(job: Pick<MoverEnvironment, "cacheDirectory">): string {
  return join(job.cacheDirectory, "kopia.config");
}

async function openWithOrWithoutCache(
  job: MoverEnvironment,
  context: JobContext,
  mode: ConnectMode,
): Promise<Repository> {
  try {
    return await open(job, context, { ...mode, config: configPath(job), hasCache: true });
  } catch (error) {
    if (!isAboutCache(error, job)) throw error;
    context.log.warn(
      `Cache ${job.cacheDirectory} cannot be used (${error.message}); going on without it`,
    );
    const directory = mkdtempSync(join(tmpdir(), "kopia-mover-"));
    try {
      return await open(job, context, {
        ...mode,
        config: join(directory, "kopia.config"),
        hasCache: false,
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
}

interface OpenMode {
  readonly config: string;
  readonly readOnly?: boolean;
  readonly format?: RepositoryFormat;
  /** Whether the connection has a cache directory at all. */
  readonly hasCache: boolean;
  readonly useCache?: boolean;
}

function open(job: MoverEnvironment, context: JobContext, mode: OpenMode): Promise<Repository> {
  const { contentMb, metadataMb } = job.cache;
  return connectAndOpen(
    {
      configPath: mode.config,
      storage: filesystemStorageConfig({ path: job.repositoryPath }),
      password: job.password,
      ...(mode.format === undefined ? {} : { format: mode.format }),
      persistPassword: mode.hasCache,
      client: {
        readOnly: mode.readOnly ?? false,
        ...(job.userName === undefined ? {} : { username: job.userName }),
        ...(job.hostname === undefined ? {} : { hostname: job.hostname }),
      },
      caching: mode.hasCache
        ? {
            cacheDirectory: job.cacheDirectory,
            maxCacheSize: cacheBytes(contentMb),
            maxMetadataCacheSize: cacheBytes(metadataMb),
          }
        : { maxCacheSize: 0 },
      env: context.env,
    },
    {
      ...(mode.useCache === undefined ? {} : { useCache: mode.useCache }),
      onWarning: (message) => context.log.warn(message),
    },
  );
}

/** Errors about the connection file and what lies beside it; those of the repository name its path. */
function isAboutCache(error: unknown, job: MoverEnvironment): error is KopiaError {
  if (!(error instanceof KopiaError) || !existsSync(job.cacheDirectory)) return false;
  const { path, configPath: config } = error.details as Readonly<Record<string, unknown>>;
  return [path, config].some(
    (place) => typeof place === "string" && place.startsWith(`${job.cacheDirectory}/`),
  );
}

function cacheBytes(limitMb: number | undefined): number {
  return limitMb === undefined ? DEFAULT_CACHE_BYTES : limitMb * BYTES_PER_MB;
}
