import {
  KopiaError,
  asInteger,
  asObject,
  asString,
  field,
  goStringify,
  isKopiaError,
  parseJson,
  type JsonObject,
} from "@kopia-engine/kopia-format";

/** What `KOPIA_MANUAL_CONFIG` may say (spec 4 §2.6). */
export interface ManualConfig {
  readonly encryption?: string;
  readonly splitter?: string;
  readonly compression?: string;
  readonly cacheLimitBytes?: number;
}

/**
 * Reads `KOPIA_MANUAL_CONFIG`. Compression goes to the source's policy and the size to the cache: the
 * original turned both into flags that do not exist.
 * @throws KopiaError `MOVER_ENVIRONMENT` when it is not JSON of that shape.
 */
export function readManualConfig(text: string): ManualConfig {
  const root = parseObject("KOPIA_MANUAL_CONFIG", text);
  const algorithm = (section: string): string | undefined => {
    const value = field(root, section);
    if (value === undefined || value === null) return undefined;
    const name = field(asObject(value, `KOPIA_MANUAL_CONFIG ${section}`), "algorithm");
    return name === undefined
      ? undefined
      : asString(name, `KOPIA_MANUAL_CONFIG ${section}.algorithm`);
  };
  const encryption = algorithm("encryption");
  const splitter = algorithm("splitter");
  const compression = algorithm("compression");
  const caching = field(root, "caching");
  const size =
    caching === undefined || caching === null
      ? undefined
      : field(asObject(caching, "KOPIA_MANUAL_CONFIG caching"), "maxCacheSize");
  return {
    ...(encryption === undefined ? {} : { encryption }),
    ...(splitter === undefined ? {} : { splitter }),
    ...(compression === undefined ? {} : { compression }),
    ...(size === undefined
      ? {}
      : { cacheLimitBytes: asInteger(size, "KOPIA_MANUAL_CONFIG caching.maxCacheSize") }),
  };
}

/**
 * The directory that `KOPIA_STRUCTURED_REPOSITORY_CONFIG` names: the storage part of a connection file.
 * @throws KopiaError `MOVER_ENVIRONMENT` (not JSON, no path); `NOT_IMPLEMENTED` for other storages.
 */
export function readStructuredPath(text: string): string {
  const name = "KOPIA_STRUCTURED_REPOSITORY_CONFIG";
  const root = parseObject(name, text);
  const storage = field(root, "storage");
  const holder = storage === undefined ? root : asObject(storage, `${name} storage`);
  const type = field(holder, "type");
  if (type !== "filesystem")
    throw new KopiaError(
      "NOT_IMPLEMENTED",
      `${name}: storage type ${goStringify(type ?? null)} is not available; only filesystem is`,
    );
  const config = asObject(field(holder, "config") ?? null, `${name} storage.config`);
  return asString(field(config, "path") ?? null, `${name} storage.config.path`);
}

/** A JSON object in a variable. @throws KopiaError `MOVER_ENVIRONMENT`; the text is not repeated, it may hold secrets. */
export function parseObject(name: string, text: string): JsonObject {
  try {
    return asObject(parseJson(text), name);
  } catch (cause) {
    if (!isKopiaError(cause)) throw cause;
    throw new KopiaError("MOVER_ENVIRONMENT", `${name} is not a JSON object`, { cause });
  }
}
