import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { utf8Encode } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { readLocalFile, writePrivateFile } from "./atomic-file.ts";
import { decodeConnection, encodeConnection } from "./connection-codec.ts";
import type { Connection } from "./connection.ts";
import { removePersistedKey } from "./persisted-key.ts";
import { removePersistedPassword } from "./persisted-password.ts";

/** Every cache directory carries this file (spec 1 §10.4). */
const CACHE_DIRECTORY_TAG = "CACHEDIR.TAG";
/** Files beside the connection file that belong to it (spec 1 §10.5). */
const SIDE_FILES = [".mlock", ".update-info.json"];

/** Whether a connection file exists at that path. */
export function isConnected(configPath: string): boolean {
  return existsSync(configPath);
}

/**
 * Reads a connection file. Unknown fields are ignored; `caching.cacheDirectory` comes back absolute.
 * @throws KopiaError `REPOSITORY_NOT_CONNECTED` when there is none, `CONFIG_CORRUPT`, `STORAGE_PERMISSION`.
 */
export async function readConnection(configPath: string): Promise<Connection> {
  const text = readLocalFile(configPath);
  if (text !== undefined) return decodeConnection(text, configPath);
  throw new KopiaError(
    "REPOSITORY_NOT_CONNECTED",
    `no repository is connected: there is no connection file ${configPath}`,
    { details: { configPath } },
  );
}

/**
 * Writes a connection file atomically, mode 0600, in a directory of mode 0700 that is made when missing.
 * @throws KopiaError `STORAGE_PERMISSION`, `STORAGE_FULL`, `STORAGE_UNAVAILABLE`.
 */
export async function writeConnection(configPath: string, connection: Connection): Promise<void> {
  writePrivateFile(configPath, utf8Encode(encodeConnection(connection, configPath)));
}

/**
 * Disconnects: removes the connection file, the stored password, the lock, the update information and
 * the cache directory, the latter only when it carries a `CACHEDIR.TAG` (spec 1 §10.5).
 * Nothing is wrong when there is no connection.
 * @returns the cache directory that was removed, if any.
 */
export async function removeConnection(configPath: string): Promise<string | undefined> {
  const cacheDirectory = await cacheDirectoryOf(configPath);
  const isCache =
    cacheDirectory !== undefined && existsSync(join(cacheDirectory, CACHE_DIRECTORY_TAG));
  if (isCache) rmSync(cacheDirectory, { recursive: true, force: true });
  for (const suffix of SIDE_FILES) rmSync(`${configPath}${suffix}`, { force: true });
  await removePersistedPassword(configPath);
  removePersistedKey(configPath, cacheDirectory);
  rmSync(configPath, { force: true });
  return isCache ? cacheDirectory : undefined;
}

async function cacheDirectoryOf(configPath: string): Promise<string | undefined> {
  try {
    return (await readConnection(configPath)).caching.cacheDirectory;
  } catch (error) {
    // A connection that cannot be read must still be removable.
    if (isKopiaError(error, "REPOSITORY_NOT_CONNECTED") || isKopiaError(error, "CONFIG_CORRUPT")) {
      return undefined;
    }
    throw error;
  }
}
