import { filesystemStorageConfig } from "./connection-codec.ts";
import type { FilesystemConfig, StorageConfig } from "./connection.ts";
import { createRepository, type CreateRepositoryOptions } from "./create-repository.ts";
import { defaultIdentity } from "./default-paths.ts";
import { openRepository, type OpenRepositoryOptions } from "./open-repository.ts";
import { openStorage, openStorageForCreate, withOpenedStorage } from "./open-storage.ts";
import type { ClientOptions, Repository } from "./repository.ts";

/** A filesystem repository opened without any connection file. */
export interface FilesystemRepositoryOptions extends Omit<OpenRepositoryOptions, "client"> {
  /** Absolute path, or all settings of the storage. */
  readonly path: string | FilesystemConfig;
  /** Default: this user and host, read-write. */
  readonly client?: Partial<ClientOptions>;
}

/** A new filesystem repository. */
export interface CreateFilesystemRepositoryOptions
  extends
    Omit<FilesystemRepositoryOptions, "format">,
    Pick<CreateRepositoryOptions, "format" | "password"> {}

/**
 * Opens the repository in a directory: storage, format and contents in one call.
 * @throws KopiaError as `openStorage` and `openRepository`.
 */
export async function openFilesystemRepository(
  options: FilesystemRepositoryOptions,
): Promise<Repository> {
  const client = completeClient(options.client);
  const config = storageOf(options.path);
  const storage = await openStorage(config, {
    readOnly: client.readOnly,
    ...(options.clock !== undefined && { clock: options.clock }),
  });
  return withOpenedStorage(storage, config, () => openRepository(storage, { ...options, client }));
}

/**
 * Makes a repository in a directory and opens it. The caller writes the first policies.
 * @throws KopiaError as `openStorageForCreate`, `createRepository` and `openRepository`.
 */
export async function createFilesystemRepository(
  options: CreateFilesystemRepositoryOptions,
): Promise<Repository> {
  const { format: newFormat, ...rest } = options;
  const version = newFormat?.version;
  const config = storageOf(options.path);
  const storage = await openStorageForCreate(
    config,
    version === undefined ? {} : { formatVersion: version },
  );
  return withOpenedStorage(storage, config, async () => {
    const format = await createRepository(storage, {
      password: options.password,
      ...(newFormat !== undefined && { format: newFormat }),
      ...(options.random !== undefined && { random: options.random }),
    });
    return openRepository(storage, { ...rest, format, client: completeClient(options.client) });
  });
}

function storageOf(path: string | FilesystemConfig): StorageConfig {
  return filesystemStorageConfig(typeof path === "string" ? { path } : path);
}

function completeClient(client: Partial<ClientOptions> = {}): ClientOptions {
  return { ...defaultIdentity(), readOnly: false, description: "", ...client };
}
