import { KopiaError } from "../base/errors.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { DEFAULT_ENCRYPTION } from "../encryption/registry.ts";
import { DEFAULT_HASH } from "../hashing/registry.ts";
import { DEFAULT_SPLITTER } from "../splitter/registry.ts";
import { BLOB_CONFIG_ID, validateBlobRetention } from "./blob-config.ts";
import { FORMAT_BLOB_ID, FORMAT_ENCRYPTION } from "./format-blob.ts";
import { getIfPresent } from "./format-blobs.ts";
import {
  DEFAULT_FORMAT_VERSION,
  PACK_SIZE_BYTES,
  checkAlgorithms,
  checkSplitter,
  parametersOfVersion,
  validateMutableParameters,
} from "./format-parameters.ts";
import { DEFAULT_KEY_ALGORITHM, FORMAT_KEY_BYTES, deriveFormatKey } from "./key-derivation.ts";
import type { BlobRetention, ContentFormat, RepositoryFormat } from "./repository-format.ts";
import { writeFormatBlobs } from "./write-format.ts";

/** Parameters of a new repository; everything has Kopia's default (spec 1 §2.1, §2.3, §3). */
export interface InitializeOptions {
  /** 1 to 3; decides index version, epochs and password changes (spec 1 §3.2). Default 3. */
  readonly formatVersion?: number;
  readonly hash?: string;
  readonly encryption?: string;
  readonly ecc?: string;
  readonly eccOverheadPercent?: number;
  readonly splitter?: string;
  /** `scrypt-65536-8-1` (default) or `pbkdf2-sha256-600000`. */
  readonly keyAlgorithm?: string;
  readonly maxPackSizeBytes?: number;
  readonly blobRetention?: BlobRetention;
  /** Source of unique ID, keys and nonces; the platform's by default. */
  readonly random?: RandomBytes;
}

/** `tool` of the format blob as every repository has it; nothing reads it (spec 1 §2.1). */
const TOOL = "https://github.com/kopia/kopia";
/** Who created the repository; nothing reads it. */
const BUILD = { buildVersion: "0.1.0", buildInfo: "kopia-engine" };

/**
 * Writes the format blobs of a new repository, `kopia.blobcfg` first (spec 1 §2.10 steps 2 and 3).
 * The storage must hold neither; whether it is otherwise empty is the caller's question.
 * @throws KopiaError `REPOSITORY_EXISTS`, `FORMAT_CORRUPT` (settings blob without format blob),
 *   `FORMAT_INVALID_PARAMETER`, `ALGORITHM_UNKNOWN`, and storage errors.
 */
export async function initializeRepository(
  storage: BlobStorage,
  password: string,
  options: InitializeOptions = {},
): Promise<RepositoryFormat> {
  const random = options.random ?? systemRandom;
  const content = newContentFormat(options, random);
  const blobRetention = options.blobRetention ?? {};
  validateMutableParameters(content);
  checkAlgorithms(content);
  checkSplitter(content.splitter);
  validateBlobRetention(blobRetention);
  await refuseExisting(storage);
  const uniqueId = random(FORMAT_KEY_BYTES);
  const keyAlgorithm = options.keyAlgorithm ?? DEFAULT_KEY_ALGORITHM;
  const formatKey = await deriveFormatKey({ password, uniqueId, keyAlgorithm });
  return writeFormatBlobs(storage, random, {
    formatKey,
    document: {
      tool: TOOL,
      ...BUILD,
      uniqueId,
      keyAlgorithm,
      encryption: FORMAT_ENCRYPTION,
      source: {},
    },
    content,
    contentSource: {},
    blobRetention,
  });
}

function newContentFormat(options: InitializeOptions, random: RandomBytes): ContentFormat {
  const versioned = parametersOfVersion(options.formatVersion ?? DEFAULT_FORMAT_VERSION);
  const eccOverheadPercent = options.eccOverheadPercent ?? 0;
  const usesEcc = versioned.version > 1 && eccOverheadPercent > 0 && (options.ecc ?? "") !== "";
  return {
    ...versioned,
    hash: options.hash ?? DEFAULT_HASH,
    encryption: options.encryption ?? DEFAULT_ENCRYPTION,
    ecc: usesEcc ? (options.ecc ?? "") : "",
    eccOverheadPercent: usesEcc ? eccOverheadPercent : 0,
    secret: random(FORMAT_KEY_BYTES),
    masterKey: random(FORMAT_KEY_BYTES),
    maxPackSizeBytes: options.maxPackSizeBytes ?? PACK_SIZE_BYTES.default,
    splitter: options.splitter ?? DEFAULT_SPLITTER,
    requiredFeatures: [],
  };
}

async function refuseExisting(storage: BlobStorage): Promise<void> {
  if ((await getIfPresent(storage, FORMAT_BLOB_ID)) !== undefined) {
    throw new KopiaError(
      "REPOSITORY_EXISTS",
      `${storage.displayName} already holds a repository (${FORMAT_BLOB_ID})`,
      { details: { storage: storage.displayName } },
    );
  }
  if ((await getIfPresent(storage, BLOB_CONFIG_ID)) !== undefined) {
    throw new KopiaError(
      "FORMAT_CORRUPT",
      `${storage.displayName} holds ${BLOB_CONFIG_ID} but no ${FORMAT_BLOB_ID}: a repository there has lost its format blob`,
      { details: { blobId: FORMAT_BLOB_ID } },
    );
  }
}
