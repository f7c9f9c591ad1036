import { pbkdf2, pbkdf2Async } from "@noble/hashes/pbkdf2.js";
import { scryptAsync } from "@noble/hashes/scrypt.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { hkdfSha256 } from "../base/hkdf.ts";
import { nodeBuiltin } from "../base/node-builtin.ts";
import { SCRYPT_BLOCK_BYTES, loadScryptKernel } from "../wasm/scrypt-kernel.ts";
import type { RepositoryFormat } from "./repository-format.ts";

/** Key derivation of new repositories. */
export const DEFAULT_KEY_ALGORITHM = "scrypt-65536-8-1";
/** Length of the key that a password gives, and of unique IDs, secrets and master keys (spec 1 §14). */
export const FORMAT_KEY_BYTES = 32;

const PBKDF2_ITERATIONS = 600_000;
const SCRYPT = { N: 65_536, r: 8, p: 1 };
/** 128·N·r bytes are in use, and OpenSSL wants room above that. */
const SCRYPT_MAX_MEMORY_BYTES = 2 ** 27;
const MIN_SALT_BYTES = 16;

type Derive = (password: Bytes, salt: Uint8Array) => Promise<Bytes>;

const KEY_ALGORITHMS: ReadonlyMap<string, Derive> = new Map([
  [DEFAULT_KEY_ALGORITHM, deriveByScrypt],
  ["pbkdf2-sha256-600000", deriveByPbkdf2],
]);

/** Names of all key derivations, default first (spec 1 §2.2). */
export const KEY_ALGORITHM_NAMES: readonly string[] = [...KEY_ALGORITHMS.keys()];

/** What a password is stretched with. */
export interface KeyDerivationInput {
  readonly password: string;
  /** Salt, at least 16 bytes. */
  readonly uniqueId: Uint8Array;
  readonly keyAlgorithm: string;
}

/**
 * Key that opens the format blobs (spec 1 §2.2): the password's UTF-8 bytes as they are, nothing
 * trimmed or normalised. Takes about an eighth of a second by design, in slices of 2 ms between which
 * the event loop runs.
 * @throws KopiaError `ALGORITHM_UNKNOWN`, `FORMAT_CORRUPT` for a salt below 16 bytes.
 */
export async function deriveFormatKey(input: KeyDerivationInput): Promise<Bytes> {
  const { keyAlgorithm, uniqueId } = input;
  const derive = KEY_ALGORITHMS.get(keyAlgorithm);
  if (derive === undefined) {
    throw new KopiaError(
      "ALGORITHM_UNKNOWN",
      `unknown key derivation algorithm ${JSON.stringify(keyAlgorithm)}; known are ${KEY_ALGORITHM_NAMES.join(", ")}`,
      { details: { algorithm: keyAlgorithm } },
    );
  }
  if (uniqueId.length < MIN_SALT_BYTES) {
    throw new KopiaError(
      "FORMAT_CORRUPT",
      `the unique ID of the repository has ${uniqueId.length} bytes, expected at least ${MIN_SALT_BYTES}`,
      { details: { lengthBytes: uniqueId.length } },
    );
  }
  return derive(utf8Encode(input.password), uniqueId);
}

/** How a key is derived from another one. */
export interface DerivedKeyOptions {
  readonly purpose: string;
  readonly lengthBytes: number;
}

/**
 * Key for a purpose of the whole repository, such as the maintenance blob (spec 1 §2.8): from the
 * master key, or from the format key where passwords cannot be changed.
 */
export function deriveRepositoryKey(format: RepositoryFormat, options: DerivedKeyOptions): Bytes {
  const root = format.content.enablePasswordChange ? format.content.masterKey : format.formatKey;
  return deriveWithUniqueId(root, format.uniqueId, options);
}

/** Key of the tags in the local cache (spec 1 §10.4): 16 bytes. */
export function deriveCacheKey(format: RepositoryFormat): Bytes {
  const root = format.content.enablePasswordChange ? format.content.secret : format.formatKey;
  return deriveWithUniqueId(root, format.uniqueId, {
    purpose: "local-cache-integrity",
    lengthBytes: 16,
  });
}

/** HKDF with the unique ID as salt and the purpose as info: all derivations but the content key (spec 1 §13.1). */
export function deriveWithUniqueId(
  key: Uint8Array,
  uniqueId: Uint8Array,
  options: DerivedKeyOptions,
): Bytes {
  const info = utf8Encode(options.purpose);
  return hkdfSha256({ key, salt: uniqueId, info, lengthBytes: options.lengthBytes });
}

async function deriveByScrypt(password: Bytes, salt: Uint8Array): Promise<Bytes> {
  const crypto = nodeBuiltin("node:crypto");
  // OpenSSL's own mixes without vector instructions and takes half as long again.
  const kernel = loadScryptKernel(SCRYPT.N);
  if (kernel !== undefined) {
    kernel.begin(pbkdf2Once({ password, salt, lengthBytes: SCRYPT_BLOCK_BYTES }));
    while (kernel.advance()) await nextTurn();
    return pbkdf2Once({ password, salt: kernel.finish(), lengthBytes: FORMAT_KEY_BYTES });
  }
  if (crypto === undefined) {
    const options = { ...SCRYPT, dkLen: FORMAT_KEY_BYTES, maxmem: SCRYPT_MAX_MEMORY_BYTES };
    return new Uint8Array(await scryptAsync(password, salt, options));
  }
  const options = { ...SCRYPT, maxmem: SCRYPT_MAX_MEMORY_BYTES };
  return new Promise((resolve, reject) => {
    crypto.scrypt(password, salt, FORMAT_KEY_BYTES, options, (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}

/** The outer steps of scrypt: PBKDF2-HMAC-SHA256 with one iteration (RFC 7914 §6). */
function pbkdf2Once(input: {
  readonly password: Bytes;
  readonly salt: Uint8Array;
  readonly lengthBytes: number;
}): Bytes {
  const { password, salt, lengthBytes } = input;
  const crypto = nodeBuiltin("node:crypto");
  if (crypto === undefined) {
    return new Uint8Array(pbkdf2(sha256, password, salt, { c: 1, dkLen: lengthBytes }));
  }
  return new Uint8Array(crypto.pbkdf2Sync(password, salt, 1, lengthBytes, "sha256"));
}

/** Lets the event loop run once. Browsers have no `setImmediate`; there a microtask must do. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === "function") setImmediate(resolve);
    else resolve();
  });
}

async function deriveByPbkdf2(password: Bytes, salt: Uint8Array): Promise<Bytes> {
  const crypto = nodeBuiltin("node:crypto");
  if (crypto === undefined) {
    const options = { c: PBKDF2_ITERATIONS, dkLen: FORMAT_KEY_BYTES };
    return new Uint8Array(await pbkdf2Async(sha256, password, salt, options));
  }
  return new Promise((resolve, reject) => {
    crypto.pbkdf2(password, salt, PBKDF2_ITERATIONS, FORMAT_KEY_BYTES, "sha256", (error, key) => {
      if (error === null) resolve(new Uint8Array(key));
      else reject(error);
    });
  });
}
