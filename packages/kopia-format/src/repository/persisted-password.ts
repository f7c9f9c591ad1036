import { rmSync } from "node:fs";
import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { readLocalFile, writePrivateFile } from "./atomic-file.ts";

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Path of the stored password of a connection (spec 1 §10.5). */
export function persistedPasswordPath(configPath: string): string {
  return `${configPath}.kopia-password`;
}

/** The stored password, `undefined` when there is none. @throws KopiaError `CONFIG_CORRUPT`, `STORAGE_PERMISSION`. */
export async function readPersistedPassword(configPath: string): Promise<string | undefined> {
  const path = persistedPasswordPath(configPath);
  const stored = readLocalFile(path);
  if (stored === undefined) return undefined;
  // Some editor may have added a newline; the base64 alphabet has none.
  const text = utf8Decode(stored).trim();
  if (text.length % 4 !== 0 || !BASE64.test(text)) {
    throw new KopiaError("CONFIG_CORRUPT", `the stored password in ${path} is not base64`, {
      details: { path },
    });
  }
  return utf8Decode(Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)));
}

/** Stores the password beside the connection file, mode 0600, in the form the original program reads. */
export async function writePersistedPassword(configPath: string, password: string): Promise<void> {
  const binary = Array.from(utf8Encode(password), (byte) => String.fromCharCode(byte)).join("");
  writePrivateFile(persistedPasswordPath(configPath), utf8Encode(btoa(binary)));
}

/** Forgets the stored password. */
export async function removePersistedPassword(configPath: string): Promise<void> {
  rmSync(persistedPasswordPath(configPath), { force: true });
}
