import { dirname, isAbsolute, relative, resolve } from "node:path";
import { KopiaError } from "../base/errors.ts";
import type { ThrottlingLimits } from "../blob/throttled-storage.ts";
import { goMarshalIndent } from "../base/go-json.ts";
import {
  asArray,
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asString,
  field,
} from "../base/json-fields.ts";
import { parseJson } from "../base/json-parse.ts";
import { JsonNumber, type JsonInput, type JsonObject } from "../base/json-value.ts";
import type {
  CachingOptions,
  Connection,
  ConnectionClientOptions,
  FilesystemConfig,
  StorageConfig,
} from "./connection.ts";

/** Connection files are a page long. */
const MAX_CONFIG_BYTES = 2 ** 20;

const CACHING_NUMBERS = [
  "maxCacheSize",
  "contentCacheSizeLimitBytes",
  "maxMetadataCacheSize",
  "metadataCacheSizeLimitBytes",
  "maxListCacheDuration",
  "minMetadataSweepAge",
  "minContentSweepAge",
  "minIndexSweepAge",
] as const satisfies readonly (keyof CachingOptions)[];

/** Limits of speed by their names in connection files. */
export const THROTTLING_NUMBERS = [
  "readsPerSecond",
  "writesPerSecond",
  "listsPerSecond",
  "maxUploadSpeedBytesPerSecond",
  "maxDownloadSpeedBytesPerSecond",
  "concurrentReads",
  "concurrentWrites",
] as const satisfies readonly (keyof ThrottlingLimits)[];

const FILESYSTEM_INTEGERS = ["fileMode", "dirMode", "uid", "gid"] as const;

/**
 * The text of a connection file (spec 1 §10.1), without a final newline.
 * @param configPath where it will lie: the cache directory is stored relative to it.
 */
export function encodeConnection(connection: Connection, configPath: string): string {
  const { storage, apiServer, caching, client } = connection;
  return goMarshalIndent({
    apiServer,
    storage: storage && { type: storage.type, config: storage.config },
    caching: encodeCaching(caching, configPath),
    hostname: client.hostname,
    username: client.username,
    readonly: client.readOnly || undefined,
    permissiveCacheLoading: client.permissiveCacheLoading === true || undefined,
    description: client.description === "" ? undefined : client.description,
    enableActions: client.enableActions,
    formatBlobCacheDuration: nonZero(client.formatBlobCacheDurationNs),
    throttlingLimits: client.throttlingLimits && encodeThrottling(client.throttlingLimits),
  });
}

/**
 * Reads the text of a connection file.
 * @param configPath where it lies.
 * @throws KopiaError `CONFIG_CORRUPT`.
 */
export function decodeConnection(text: Uint8Array, configPath: string): Connection {
  try {
    const where = configPath;
    const root = asObject(parseJson(text, { where, maxLengthBytes: MAX_CONFIG_BYTES }), where);
    const apiServer = optional(root, "apiServer", asObject);
    const storage = optional(root, "storage", decodeStorage);
    if (storage === undefined && apiServer === undefined) {
      throw new KopiaError("JSON_INVALID", `${where}: there is neither storage nor apiServer`);
    }
    return {
      ...(storage && { storage }),
      ...(apiServer && { apiServer }),
      caching:
        optional(root, "caching", (value) =>
          decodeCaching(asObject(value, "caching"), configPath),
        ) ?? {},
      client: decodeClient(root),
    };
  } catch (error) {
    throw new KopiaError("CONFIG_CORRUPT", `the connection file ${configPath} cannot be read`, {
      details: { configPath },
      cause: error,
    });
  }
}

/** `{type, config}` as tokens and connection files have it. @throws KopiaError `JSON_INVALID`. */
export function decodeStorage(value: JsonInput | undefined, where: string): StorageConfig {
  const storage = asObject(value as JsonObject, where);
  return {
    type: asString(field(storage, "type"), `${where}.type`),
    config: asObject(field(storage, "config"), `${where}.config`),
  };
}

/** The stored form of a filesystem storage (spec 1 §10.2). */
export function filesystemStorageConfig(config: FilesystemConfig): StorageConfig {
  const members: [string, JsonInput | undefined][] = [
    ["path", config.path],
    ...FILESYSTEM_INTEGERS.map((name): [string, number | undefined] => [name, config[name]]),
    ["dirShards", config.dirShards ?? null],
    ["listParallelism", nonZero(config.listParallelism)],
    ...Object.entries(encodeThrottling(config)).map(exactNumber),
  ];
  const present = members.filter(([, value]) => value !== undefined);
  return { type: "filesystem", config: Object.fromEntries(present) as JsonObject };
}

/**
 * The settings of a `filesystem` storage.
 * @throws KopiaError `STORAGE_UNSUPPORTED` for another kind, `CONFIG_CORRUPT`.
 */
export function parseFilesystemConfig(storage: StorageConfig): FilesystemConfig {
  if (storage.type !== "filesystem") {
    throw new KopiaError(
      "STORAGE_UNSUPPORTED",
      `storage of type ${JSON.stringify(storage.type)} is not available, only "filesystem" is`,
      { details: { storageType: storage.type } },
    );
  }
  const { config } = storage;
  try {
    const integers = FILESYSTEM_INTEGERS.map((name) => [name, optional(config, name, asInteger)]);
    const shards = optional(config, "dirShards", asArray);
    return {
      path: asString(field(config, "path"), "storage.config.path"),
      ...(Object.fromEntries(integers.filter(([, value]) => value !== undefined)) as object),
      dirShards: shards?.map((size) => asInteger(size, "storage.config.dirShards")) ?? null,
      ...defined("listParallelism", optional(config, "listParallelism", asInteger)),
      ...decodeNumbers(config, THROTTLING_NUMBERS),
    };
  } catch (error) {
    throw new KopiaError("CONFIG_CORRUPT", "the storage settings of the connection are not valid", {
      cause: error,
    });
  }
}

function encodeCaching(caching: CachingOptions, configPath: string): JsonInput {
  const directory = caching.cacheDirectory;
  const numbers = CACHING_NUMBERS.map((name) => [name, nonZero(caching[name])]);
  return {
    cacheDirectory:
      directory === undefined || directory === ""
        ? undefined
        : relative(dirname(resolve(configPath)), resolve(directory)),
    ...(Object.fromEntries(numbers) as Record<string, number | undefined>),
  };
}

function decodeCaching(caching: JsonObject, configPath: string): CachingOptions {
  const directory = optional(caching, "cacheDirectory", asString) ?? "";
  const absolute = isAbsolute(directory)
    ? directory
    : resolve(dirname(resolve(configPath)), directory);
  return {
    ...(directory !== "" && { cacheDirectory: absolute }),
    ...decodeNumbers(caching, CACHING_NUMBERS),
  };
}

function decodeClient(root: JsonObject): ConnectionClientOptions {
  const limits = optional(root, "throttlingLimits", asObject);
  return {
    hostname: optional(root, "hostname", asString) ?? "",
    username: optional(root, "username", asString) ?? "",
    readOnly: optional(root, "readonly", asBoolean) ?? false,
    description: optional(root, "description", asString) ?? "",
    enableActions: optional(root, "enableActions", asBoolean) ?? false,
    ...defined("permissiveCacheLoading", optional(root, "permissiveCacheLoading", asBoolean)),
    ...defined("formatBlobCacheDurationNs", optional(root, "formatBlobCacheDuration", asInteger)),
    ...defined("throttlingLimits", limits && decodeNumbers(limits, THROTTLING_NUMBERS)),
  };
}

function encodeThrottling(limits: ThrottlingLimits): Record<string, number | undefined> {
  return Object.fromEntries(THROTTLING_NUMBERS.map((name) => [name, nonZero(limits[name])]));
}

function decodeNumbers<Name extends string>(
  object: JsonObject,
  names: readonly Name[],
): { readonly [key in Name]?: number } {
  const found: { [key in Name]?: number } = {};
  for (const name of names) {
    const value = optional(object, name, asNumber);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

/** In the form in which a number comes back from a file. */
function exactNumber([name, value]: [string, number | undefined]): [string, JsonInput | undefined] {
  if (value === undefined || Number.isSafeInteger(value)) return [name, value];
  return [name, new JsonNumber(String(value))];
}

function optional<Value>(
  object: JsonObject,
  name: string,
  read: (value: ReturnType<typeof field>, where: string) => Value,
): Value | undefined {
  const value = field(object, name);
  return value === undefined ? undefined : read(value, name);
}

function defined<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [key in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [key in Name]?: Value });
}

/** Go leaves out zeros. */
function nonZero(value: number | undefined): number | undefined {
  return value === 0 ? undefined : value;
}
