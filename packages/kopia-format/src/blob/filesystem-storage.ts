import * as fs from "node:fs";
import { resolve } from "node:path";
import { toHex, type Bytes } from "../base/bytes.ts";
import { KopiaError, isKopiaError } from "../base/errors.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import { listBlobFiles } from "./file-listing.ts";
import { readBlobFile, readBlobFileInto } from "./file-reader.ts";
import { FileWriter, type FileTarget } from "./file-writer.ts";
import { ReadOnlyStorage } from "./read-only-storage.ts";
import {
  blobLocation,
  decodeShards,
  encodeShards,
  SHARDS_FILE,
  SHARDS_OF_NEW_REPOSITORIES,
  SHARDS_OF_OLD_REPOSITORIES,
  UNSHARDED_LENGTH,
  type ShardParameters,
} from "./shards.ts";
import type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  FilesystemThreadOptions,
  PutOptions,
  StorageCapacity,
} from "./storage.ts";
import { storageError } from "./system-error.ts";
import { makeDirectories } from "../base/make-directories.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

const DEFAULT_FILE_MODE = 0o600;
const DEFAULT_DIRECTORY_MODE = 0o700;

/** Options of `openFilesystemStorage`, named as in the connection file (spec 1 §10.2). */
export interface FilesystemStorageOptions {
  /** Directory of the repository. */
  readonly path: string;
  /** Default 0600; the umask applies on top. */
  readonly fileMode?: number;
  /** Default 0700; the umask applies on top. */
  readonly dirMode?: number;
  /** Owner of new blobs; used only when both are given and the effective user is root. */
  readonly uid?: number;
  readonly gid?: number;
  /** Layout to write when there is no `.shards` file: `[]` is flat, `null` and absent the default (spec 1 §1.1). */
  readonly dirShards?: readonly number[] | null;
  /** A repository is being created: the directory is made, and the default layout is `[1,3]` instead of `[3,3]`. */
  readonly create?: boolean;
  readonly readOnly?: boolean;
  /** Names of temporary files. Default `systemRandom`. */
  readonly random?: RandomBytes;
}

/**
 * Opens blob storage in a directory (spec 1 §1). Apart from the directory itself (with `create`), nothing
 * is written before the first put, which writes `.shards` where it is missing.
 *
 * @throws KopiaError STORAGE_UNAVAILABLE when the directory does not exist or is none, STORAGE_PERMISSION,
 * ARGUMENT_INVALID for modes or shards that cannot be used
 */
// oxlint-disable-next-line require-await -- other storage needs time to open
export async function openFilesystemStorage(
  options: FilesystemStorageOptions,
): Promise<BlobStorage> {
  const settings = checkOptions(options);
  try {
    if (options.create === true) {
      makeDirectories(settings.path, settings.dirMode);
    }
    const storage = new FilesystemStorage(settings, rootIdentity(settings.path));
    return options.readOnly === true ? new ReadOnlyStorage(storage) : storage;
  } catch (error) {
    throw rootError(error, settings.path);
  }
}

interface Settings {
  readonly path: string;
  readonly fileMode: number;
  readonly dirMode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  readonly defaultShards: readonly number[];
  readonly random: RandomBytes;
}

interface KnownShards {
  readonly parameters: ShardParameters;
  /** Whether `.shards` exists. */
  stored: boolean;
}

class FilesystemStorage implements BlobStorage {
  readonly kind = "filesystem";
  readonly readOnly = false;
  readonly displayName: string;
  readonly #settings: Settings;
  readonly #rootIdentity: string;
  #shards: KnownShards | undefined;

  constructor(settings: Settings, identity: string) {
    this.#settings = settings;
    this.#rootIdentity = identity;
    this.displayName = `Filesystem: ${settings.path}`;
  }

  get threadOptions(): FilesystemThreadOptions {
    const { path, fileMode, dirMode, owner, defaultShards: dirShards } = this.#settings;
    return { path, fileMode, dirMode, ...owner, dirShards };
  }

  async get(id: BlobId, range?: BlobRange): Promise<Bytes> {
    const path = this.#pathOf(id);
    try {
      return await readBlobFile(path, id, range);
    } catch (error) {
      throw this.#readError(error, id, path);
    }
  }

  readInto(
    id: BlobId,
    range: BlobRange,
    allocate: (lengthBytes: number) => Uint8Array,
  ): Uint8Array {
    const path = this.#pathOf(id);
    try {
      return readBlobFileInto(path, id, { range, allocate });
    } catch (error) {
      throw this.#readError(error, id, path);
    }
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async getMetadata(id: BlobId): Promise<BlobMetadata> {
    const path = this.#pathOf(id);
    try {
      const stats = fs.statSync(path, { bigint: true });
      return { id, lengthBytes: Number(stats.size), timestamp: stats.mtimeNs };
    } catch (error) {
      throw this.#readError(error, id, path);
    }
  }

  async put(id: BlobId, data: Uint8Array, options: PutOptions = {}): Promise<BlobMetadata> {
    const writer = new FileWriter(this.#target(id), { bufferBytes: 0 });
    writer.append(data);
    return writer.commit(options.timestamp);
  }

  openWriter(id: BlobId): FileWriter {
    return new FileWriter(this.#target(id));
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async delete(id: BlobId): Promise<void> {
    const path = this.#pathOf(id);
    try {
      fs.unlinkSync(path);
    } catch (error) {
      const failure = this.#readError(error, id, path);
      if (!isKopiaError(failure, "BLOB_NOT_FOUND")) throw failure;
    }
  }

  async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    this.#expectSameRoot();
    yield* listBlobFiles(this.#settings.path, prefix);
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async capacity(): Promise<StorageCapacity | undefined> {
    try {
      const { bsize, blocks, bavail } = fs.statfsSync(this.#settings.path);
      return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
    } catch (error) {
      throw rootError(error, this.#settings.path);
    }
  }

  async close(): Promise<void> {}

  #pathOf(id: BlobId): string {
    const { directories, file } = blobLocation(this.#shardParameters().parameters, id);
    return [this.#settings.path, ...directories, file].join("/");
  }

  #target(id: BlobId): FileTarget {
    this.#storeShards();
    const { path: root, fileMode, owner, random } = this.#settings;
    const { directories, file } = blobLocation(this.#shardParameters().parameters, id);
    const path = [root, ...directories, file].join("/");
    return {
      id,
      path,
      temporaryPath: `${path}.tmp.${toHex(random(8))}`,
      fileMode,
      ...(owner === undefined ? {} : { owner }),
      makeDirectories: () => this.#makeDirectories(directories),
    };
  }

  /** Makes shard directories below the root; an unmounted root is never recreated (spec 1 §1.2). */
  #makeDirectories(directories: readonly string[]): void {
    this.#expectSameRoot();
    let path = this.#settings.path;
    for (const name of directories) {
      path += `/${name}`;
      try {
        fs.mkdirSync(path, { mode: this.#settings.dirMode });
      } catch (error) {
        if (systemErrorCode(error) !== "EEXIST") throw error;
      }
    }
  }

  /** Read once; a damaged file is an error every time. */
  #shardParameters(): KnownShards {
    if (this.#shards !== undefined) return this.#shards;
    const path = `${this.#settings.path}/${SHARDS_FILE}`;
    try {
      this.#shards = { parameters: decodeShards(fs.readFileSync(path)), stored: true };
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") {
        throw storageError(error, { action: "read", path });
      }
      this.#expectSameRoot();
      const parameters = {
        default: this.#settings.defaultShards,
        maxNonShardedLength: UNSHARDED_LENGTH,
        overrides: [],
      };
      this.#shards = { parameters, stored: false };
    }
    return this.#shards;
  }

  /**
   * Writes `.shards` before the first blob. Kopia goes on when that fails; here only where the layout is the
   * one that a missing file means: any other would make the blobs unfindable.
   */
  #storeShards(): void {
    const shards = this.#shardParameters();
    if (shards.stored) return;
    const path = `${this.#settings.path}/${SHARDS_FILE}`;
    const temporaryPath = `${path}.tmp.${toHex(this.#settings.random(8))}`;
    try {
      this.#expectSameRoot();
      const file = { mode: this.#settings.fileMode, flag: "wx", flush: true };
      fs.writeFileSync(temporaryPath, encodeShards(shards.parameters), file);
      fs.renameSync(temporaryPath, path);
      shards.stored = true;
    } catch (error) {
      fs.rmSync(temporaryPath, { force: true });
      if (!isImpliedLayout(shards.parameters)) throw storageError(error, { action: "write", path });
    }
  }

  #readError(error: unknown, id: BlobId, path: string): unknown {
    const failure = storageError(error, { action: "read", blob: id, path });
    if (failure.code !== "BLOB_NOT_FOUND") return failure;
    try {
      this.#expectSameRoot();
      return failure;
    } catch (rootFailure) {
      return rootFailure;
    }
  }

  /** An unmounted directory looks like an empty storage: it must never pass for one. */
  #expectSameRoot(): void {
    const { path } = this.#settings;
    let identity: string;
    try {
      identity = rootIdentity(path);
    } catch (error) {
      throw rootError(error, path);
    }
    if (identity === this.#rootIdentity) return;
    throw new KopiaError(
      "STORAGE_UNAVAILABLE",
      `${path} is no longer the directory that was opened: was it unmounted or replaced?`,
      { details: { path } },
    );
  }
}

function isImpliedLayout(parameters: ShardParameters): boolean {
  return parameters.default.join() === SHARDS_OF_OLD_REPOSITORIES.join();
}

/** Device and inode of the directory. @throws the system error; `ENOTDIR` when it is none */
function rootIdentity(path: string): string {
  // The slash makes anything but a directory an error.
  const { dev, ino } = fs.statSync(`${path}/`, { bigint: true });
  return `${dev}:${ino}`;
}

function rootError(error: unknown, path: string): unknown {
  if (isKopiaError(error)) return error;
  const code = systemErrorCode(error);
  if (code !== "ENOENT" && code !== "ENOTDIR") return storageError(error, { action: "open", path });
  const problem = code === "ENOENT" ? "does not exist" : "is not a directory";
  return new KopiaError("STORAGE_UNAVAILABLE", `the storage directory ${path} ${problem}`, {
    details: { path, systemCode: code },
    cause: error,
  });
}

function checkOptions(options: FilesystemStorageOptions): Settings {
  const { path, uid, gid, dirShards, create } = options;
  const usualShards = create === true ? SHARDS_OF_NEW_REPOSITORIES : SHARDS_OF_OLD_REPOSITORIES;
  const defaultShards = dirShards ?? usualShards;
  if (path === "") throw invalidOption("path", path, "a directory");
  if (!defaultShards.every((size) => Number.isInteger(size) && size >= 0 && size <= 255)) {
    throw invalidOption("dirShards", String(dirShards), "sizes from 0 to 255");
  }
  return {
    path: resolve(path),
    fileMode: checkMode("fileMode", options.fileMode ?? DEFAULT_FILE_MODE),
    dirMode: checkMode("dirMode", options.dirMode ?? DEFAULT_DIRECTORY_MODE),
    ...(uid === undefined || gid === undefined ? {} : { owner: { uid, gid } }),
    defaultShards,
    random: options.random ?? systemRandom,
  };
}

function checkMode(name: string, mode: number): number {
  if (Number.isInteger(mode) && mode >= 0 && mode <= 0o7777) return mode;
  throw invalidOption(name, String(mode), "a file mode from 0 to 07777");
}

function invalidOption(name: string, value: string, wanted: string): KopiaError {
  return new KopiaError("ARGUMENT_INVALID", `${name} is ${value}: expected ${wanted}`, {
    details: { option: name, value },
  });
}
