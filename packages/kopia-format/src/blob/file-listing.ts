import * as fs from "node:fs";
import { BLOB_SUFFIX } from "./shards.ts";
import type { BlobMetadata } from "./storage.ts";
import { storageError } from "./system-error.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

/** A directory to walk and the blob ID prefix that its name and those above it spell. */
interface ShardDirectory {
  readonly path: string;
  readonly idPrefix: string;
}

/**
 * Walks a storage directory (spec 1 §1.2 List): directory names and file names together spell the blob IDs,
 * whatever the sharding rule says. Directories are read one at a time, in order of their names.
 *
 * A file that vanishes meanwhile is left out; a directory that vanishes, or that cannot be read, is an error:
 * an incomplete listing must never look complete.
 *
 * @throws KopiaError STORAGE_UNAVAILABLE, STORAGE_PERMISSION
 */
export function* listBlobFiles(rootPath: string, prefix: string): Generator<BlobMetadata> {
  const pending: ShardDirectory[] = [{ path: rootPath, idPrefix: "" }];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const subdirectories: ShardDirectory[] = [];
    for (const entry of readDirectory(directory.path)) {
      const id = directory.idPrefix + entry.name;
      if (entry.isDirectory()) {
        const mayHold = id.startsWith(prefix) || prefix.startsWith(id);
        if (mayHold) subdirectories.push({ path: `${directory.path}/${entry.name}`, idPrefix: id });
      } else if (id.endsWith(BLOB_SUFFIX) && id.startsWith(prefix)) {
        const blob = blobMetadata(`${directory.path}/${entry.name}`, id);
        if (blob?.id.startsWith(prefix) === true) yield blob;
      }
    }
    pending.push(...subdirectories.reverse());
  }
}

function readDirectory(path: string): fs.Dirent[] {
  try {
    return fs.readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw storageError(error, { action: "list", path });
  }
}

function blobMetadata(path: string, idWithSuffix: string): BlobMetadata | undefined {
  try {
    const stats = fs.lstatSync(path, { bigint: true });
    const id = idWithSuffix.slice(0, -BLOB_SUFFIX.length);
    return { id, lengthBytes: Number(stats.size), timestamp: stats.mtimeNs };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return undefined;
    throw storageError(error, { action: "list", path });
  }
}
