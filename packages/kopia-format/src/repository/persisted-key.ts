import { rmSync } from "node:fs";
import { join } from "node:path";
import { copyBytes, type Bytes } from "../base/bytes.ts";
import type { RandomBytes } from "../base/random.ts";
import { FORMAT_KEY_BYTES } from "../format/key-derivation.ts";
import { readLocalFile, writePrivateFile } from "./atomic-file.ts";

/** Name of the share in the cache directory, which the original program removes when it disconnects. */
const CACHE_SHARE = "engine-format-key";

/** Where the two shares of a stored key lie. */
export interface KeyPlaces {
  readonly configPath: string;
  readonly cacheDirectory: string;
}

/**
 * The format key that was stored for a connection; `undefined` when there is none. The caller asks only
 * when the given password equals the stored one, and opens the format with the key, which tells whether
 * it still fits.
 */
export function readPersistedKey(places: KeyPlaces): Bytes | undefined {
  try {
    const [key, mask] = sharePaths(places).map((path) => readLocalFile(path));
    if (key?.length !== FORMAT_KEY_BYTES || mask?.length !== FORMAT_KEY_BYTES) return undefined;
    return xor(key, mask);
  } catch {
    return undefined;
  }
}

/**
 * Stores the format key of a connection whose password is stored, mode 0600: deriving it again takes an
 * eighth of a second and 64 MiB. One share beside the connection file, one in the cache directory, and
 * neither says anything without the other. What cannot be written is left: the key is derived then.
 */
export function writePersistedKey(places: KeyPlaces, formatKey: Bytes, random: RandomBytes): void {
  const mask = random(FORMAT_KEY_BYTES);
  try {
    const [keyPath = "", maskPath = ""] = sharePaths(places);
    writePrivateFile(maskPath, mask);
    writePrivateFile(keyPath, xor(formatKey, mask));
  } catch {
    // A read-only home, or a full disk: nothing depends on it.
  }
}

/** Forgets the stored key of a connection. */
export function removePersistedKey(configPath: string, cacheDirectory: string | undefined): void {
  rmSync(keySharePath(configPath), { force: true });
  if (cacheDirectory !== undefined) rmSync(join(cacheDirectory, CACHE_SHARE), { force: true });
}

function keySharePath(configPath: string): string {
  return `${configPath}.engine-format-key`;
}

function sharePaths({ configPath, cacheDirectory }: KeyPlaces): string[] {
  return [keySharePath(configPath), join(cacheDirectory, CACHE_SHARE)];
}

function xor(a: Bytes, b: Bytes): Bytes {
  const result = copyBytes(a);
  for (let i = 0; i < result.length; i++) result[i] = (result[i] as number) ^ (b[i] as number);
  return result;
}
