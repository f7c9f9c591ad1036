import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  type Repository,
  KopiaError,
  connectAndOpen,
  createRepository,
  filesystemStorageConfig,
  isKopiaError,
  openStorageForCreate,
} from "@kopia-engine/kopia-format";
import { prepareNewRepository } from "@kopia-engine/snapshotter";
import type { MoverEnvironment } from "./environment.ts";
import type { JobContext } from "./job-context.ts";

const BYTES_PER_MB = 2 ** 20;
const DEFAULT_CACHE_BYTES = 5000 * BYTES_PER_MB;

/**
 * Opens the repository. The connection file lands where the original mover keeps it,
 * `<cache>/kopia.config`, so that either mover can follow the other.
 * @returns `undefined` when there is no repository yet: its directory is empty or missing.
 * @throws KopiaError as `connectAndOpen`; `STORAGE_UNAVAILABLE` when the directory around the
 * repository is missing; `REPOSITORY_NOT_FOUND` when something else lies there (spec 4 §2.4 step 7).
 */
export async function connect(
  job: MoverEnvironment,
  context: JobContext,
): Promise<Repository | undefined> {
  let repository: Repository;
  try {
    repository = await openByNewConnection(job, context);
  } catch (error) {
    const mayBeNew =
      isKopiaError(error, "REPOSITORY_NOT_FOUND") || isKopiaError(error, "STORAGE_UNAVAILABLE");
    if (!mayBeNew || !isVacant(job.repositoryPath)) throw error;
    return undefined;
  }
  context.log.info(`Repository connected: ${repository.storage.displayName}`);
  return repository;
}

/**
 * Opens the repository, or creates it where there is none yet: never when the mount is missing, the
 * password is wrong, or something else lies there.
 * @throws KopiaError as `connect` and `openStorageForCreate`.
 */
export async function connectOrCreate(
  job: MoverEnvironment,
  context: JobContext,
): Promise<Repository> {
  const existing = await connect(job, context);
  if (existing !== undefined) return existing;
  context.log.info(`No repository at ${job.repositoryPath}, creating one`);
  const storage = await openStorageForCreate(filesystemStorageConfig({ path: job.repositoryPath }));
  try {
    await createRepository(storage, { password: job.password });
  } finally {
    await storage.close();
  }
  const created = await connect(job, context);
  if (created === undefined)
    throw new KopiaError(
      "STORAGE_UNAVAILABLE",
      `${job.repositoryPath} vanished after it was created`,
    );
  await using session = await created.writeSession();
  await prepareNewRepository(session);
  context.log.info("Repository created");
  return created;
}

function configPath(job: MoverEnvironment): string {
  return join(job.cacheDirectory, "kopia.config");
}

function openByNewConnection(job: MoverEnvironment, context: JobContext): Promise<Repository> {
  return connectAndOpen({
    configPath: configPath(job),
    storage: filesystemStorageConfig({ path: job.repositoryPath }),
    password: job.password,
    client: {
      ...(job.userName === undefined ? {} : { username: job.userName }),
      ...(job.hostname === undefined ? {} : { hostname: job.hostname }),
    },
    caching: {
      cacheDirectory: job.cacheDirectory,
      maxCacheSize: cacheBytes(job.contentCacheLimitMb),
      maxMetadataCacheSize: cacheBytes(job.metadataCacheLimitMb),
    },
    env: context.env,
  });
}

/** Nothing there yet, and the volume around it is mounted. */
function isVacant(path: string): boolean {
  const around = dirname(path);
  if (!existsSync(around))
    throw new KopiaError(
      "STORAGE_UNAVAILABLE",
      `${around} does not exist: the repository's volume is not mounted`,
      { details: { path: around } },
    );
  return !existsSync(path) || readdirSync(path).length === 0;
}

function cacheBytes(limitMb: number | undefined): number {
  return limitMb === undefined ? DEFAULT_CACHE_BYTES : limitMb * BYTES_PER_MB;
}
