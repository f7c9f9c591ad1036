import { utf8Encode, type Bytes } from "../base/bytes.ts";
import { KopiaError, errorMessage } from "../base/errors.ts";
import { goStringify } from "../base/go-json.ts";
import { asArray, asInteger, asObject, asString, field } from "../base/json-fields.ts";
import { parseJson } from "../base/json-parse.ts";
import type { JsonValue } from "../base/json-value.ts";
import { MAX_SHARDS_FILE_BYTES } from "../base/limits.ts";
import { checkBlobId, unusableBlobId } from "./blob-id.ts";
import type { BlobId } from "./storage.ts";

/** Name of the file with the sharding parameters (spec 1 §1.1). */
export const SHARDS_FILE = ".shards";
/** Suffix of every complete blob. */
export const BLOB_SUFFIX = ".f";

/** Layout of a repository that is being created. */
export const SHARDS_OF_NEW_REPOSITORIES: readonly number[] = [1, 3];
/** Layout of repositories older than the `.shards` file: what its absence means (spec 1 §13 trap 19). */
export const SHARDS_OF_OLD_REPOSITORIES: readonly number[] = [3, 3];
/** IDs of at most this many bytes lie in the top directory, in what is written here. */
export const UNSHARDED_LENGTH = 20;

/** More directory levels than this are damage: Kopia uses two. */
const MAX_LEVELS = 32;
/** No longer directory name fits a file system. */
const MAX_LEVEL_SIZE = 255;

/** The first override whose prefix fits replaces the default. */
interface ShardOverride {
  readonly prefix: string;
  readonly shards: readonly number[];
}

/** Sharding parameters: how a blob ID becomes a path (spec 1 §1.1). */
export interface ShardParameters {
  /** Sizes in characters of successive directory levels. */
  readonly default: readonly number[];
  readonly maxNonShardedLength: number;
  readonly overrides: readonly ShardOverride[];
}

/** The `.shards` file as Kopia writes it, newline included. */
export function encodeShards(parameters: ShardParameters): Bytes {
  const { maxNonShardedLength, overrides } = parameters;
  const document = {
    default: parameters.default,
    maxNonShardedLength,
    overrides:
      overrides.length === 0
        ? undefined
        : overrides.map(({ prefix, shards }) => ({ prefix, shards })),
  };
  return utf8Encode(`${goStringify(document)}\n`);
}

/**
 * Reads a `.shards` file.
 *
 * @throws KopiaError STORAGE_BAD_SHARDS
 */
export function decodeShards(bytes: Uint8Array): ShardParameters {
  try {
    const limits = { where: SHARDS_FILE, maxLengthBytes: MAX_SHARDS_FILE_BYTES };
    const document = asObject(parseJson(bytes, limits), SHARDS_FILE);
    const overrides = field(document, "overrides") ?? [];
    const unsharded = field(document, "maxNonShardedLength") ?? 0;
    return {
      default: shardSizes(field(document, "default"), "default"),
      maxNonShardedLength: asInteger(unsharded, `${SHARDS_FILE}: maxNonShardedLength`),
      overrides: asArray(overrides, `${SHARDS_FILE}: overrides`).map(decodeOverride),
    };
  } catch (error) {
    throw badShards(errorMessage(error), error);
  }
}

/**
 * Path of a blob below the storage directory: its directories, and the file name (spec 1 §1.1).
 *
 * @throws KopiaError ARGUMENT_INVALID when the ID cannot name a file inside the storage
 */
export function blobLocation(
  parameters: ShardParameters,
  id: BlobId,
): { readonly directories: readonly string[]; readonly file: string } {
  checkBlobId(id);
  const directories: string[] = [];
  let rest = id;
  if (id.length > parameters.maxNonShardedLength) {
    for (const size of shardsOf(parameters, id)) {
      if (rest.length <= size) break;
      if (size === 0) continue;
      directories.push(rest.slice(0, size));
      rest = rest.slice(size);
    }
  }
  // A hostile ID such as `..x` must not become a way up.
  if (directories.some((name) => name === "." || name === "..")) throw unusableBlobId(id);
  return { directories, file: rest + BLOB_SUFFIX };
}

function shardsOf(parameters: ShardParameters, id: BlobId): readonly number[] {
  const override = parameters.overrides.find(({ prefix }) => id.startsWith(prefix));
  return override?.shards ?? parameters.default;
}

function decodeOverride(value: JsonValue, index: number): ShardOverride {
  const where = `${SHARDS_FILE}: overrides[${index}]`;
  const override = asObject(value, where);
  return {
    prefix: asString(field(override, "prefix") ?? "", `${where}.prefix`),
    shards: shardSizes(field(override, "shards"), `overrides[${index}].shards`),
  };
}

/** Go reads `null` and an absent list as no levels. */
function shardSizes(value: JsonValue | undefined, name: string): number[] {
  const where = `${SHARDS_FILE}: ${name}`;
  const sizes = asArray(value ?? [], where).map((size) => asInteger(size, where));
  if (sizes.length > MAX_LEVELS || sizes.some((size) => size < 0 || size > MAX_LEVEL_SIZE)) {
    throw badShards(`${where}: expected at most ${MAX_LEVELS} sizes from 0 to ${MAX_LEVEL_SIZE}`);
  }
  return sizes;
}

function badShards(problem: string, cause?: unknown): KopiaError {
  return new KopiaError(
    "STORAGE_BAD_SHARDS",
    `the file ${SHARDS_FILE} cannot be used: ${problem}`,
    {
      details: { file: SHARDS_FILE },
      cause,
    },
  );
}
