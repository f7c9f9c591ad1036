import { NS_PER_SECOND } from "@kopia-engine/kopia-format";
import type { CachingOptions, ConnectionClientOptions } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import {
  booleanFlag,
  durationFlag,
  integerFlag,
  textFlag,
  type FlagValues,
} from "../../parser/flag.ts";

const BYTES_PER_MB = 2 ** 20;
const FORMAT_CACHE_DISABLED_NS = -1;

/** Flags of everything that connects (spec 3 §6.3). */
export const connectFlags = {
  cacheDirectory: textFlag("cache-directory", {
    help: "Directory of the local cache",
    env: "KOPIA_CACHE_DIRECTORY",
    placeholder: "PATH",
  }),
  contentCacheSizeMb: integerFlag("content-cache-size-mb", {
    help: "Wanted size of the cache of file data in MiB; 0: no cache at all",
    placeholder: "MB",
  }),
  contentCacheSizeLimitMb: integerFlag("content-cache-size-limit-mb", {
    help: "Largest size of the cache of file data in MiB",
    placeholder: "MB",
  }),
  contentMinSweepAge: durationFlag("content-min-sweep-age", {
    help: "Least age of file data that is removed from the cache",
  }),
  metadataCacheSizeMb: integerFlag("metadata-cache-size-mb", {
    help: "Wanted size of the cache of metadata in MiB",
    placeholder: "MB",
  }),
  metadataCacheSizeLimitMb: integerFlag("metadata-cache-size-limit-mb", {
    help: "Largest size of the cache of metadata in MiB",
    placeholder: "MB",
  }),
  metadataMinSweepAge: durationFlag("metadata-min-sweep-age", {
    help: "Least age of metadata that is removed from the cache",
  }),
  indexMinSweepAge: durationFlag("index-min-sweep-age", {
    help: "Least age of index blobs that are removed from the cache",
  }),
  maxListCacheDuration: durationFlag("max-list-cache-duration", {
    help: "How long lists of index blobs are cached",
  }),
  checkForUpdates: booleanFlag("check-for-updates", {
    help: "Accepted, without effect: this program does not look for updates",
    env: "KOPIA_CHECK_FOR_UPDATES",
    default: true,
    hidden: true,
  }),
  readonly: booleanFlag("readonly", { help: "Never write to the repository" }),
  description: textFlag("description", { help: "Description of the connection" }),
  enableActions: booleanFlag("enable-actions", { help: "Let policies run commands" }),
  overrideHostname: textFlag("override-hostname", {
    help: "Host name of this client",
    hidden: true,
  }),
  overrideUsername: textFlag("override-username", {
    help: "User name of this client",
    hidden: true,
  }),
  permissiveCacheLoading: booleanFlag("permissive-cache-loading", {
    help: "Stored in the connection file for Kopia",
    hidden: true,
  }),
  formatCacheDuration: durationFlag("repository-format-cache-duration", {
    help: "How long the format blob is cached",
    hidden: true,
  }),
  disableFormatCache: booleanFlag("disable-repository-format-cache", {
    help: "Never cache the format blob",
    hidden: true,
  }),
};

/** Values of `connectFlags`. */
export type ConnectFlagValues = FlagValues<typeof connectFlags>;

/** The caching part of a connection. */
export function cachingOptions(context: CommandContext, flags: ConnectFlagValues): CachingOptions {
  const fields: CachingOptions = definedOnly({
    cacheDirectory: absolutePath(context, flags.cacheDirectory),
    maxCacheSize: megabytes(flags.contentCacheSizeMb),
    contentCacheSizeLimitBytes: megabytes(flags.contentCacheSizeLimitMb),
    maxMetadataCacheSize: megabytes(flags.metadataCacheSizeMb),
    metadataCacheSizeLimitBytes: megabytes(flags.metadataCacheSizeLimitMb),
    maxListCacheDuration: seconds(flags.maxListCacheDuration),
    minMetadataSweepAge: seconds(flags.metadataMinSweepAge),
    minContentSweepAge: seconds(flags.contentMinSweepAge),
    minIndexSweepAge: seconds(flags.indexMinSweepAge),
  });
  return fields;
}

/** The client part of a connection. */
export function connectClient(flags: ConnectFlagValues): Partial<ConnectionClientOptions> {
  const duration = flags.disableFormatCache ? FORMAT_CACHE_DISABLED_NS : flags.formatCacheDuration;
  return {
    readOnly: flags.readonly,
    enableActions: flags.enableActions,
    ...definedOnly({
      description: flags.description,
      hostname: flags.overrideHostname,
      username: flags.overrideUsername,
      formatBlobCacheDurationNs: duration,
    }),
    ...(flags.permissiveCacheLoading ? { permissiveCacheLoading: true } : {}),
  };
}

function absolutePath(context: CommandContext, path: string | undefined): string | undefined {
  return path === undefined || path.startsWith("/") ? path : `${context.io.cwd}/${path}`;
}

function megabytes(size: number | undefined): number | undefined {
  return size === undefined ? undefined : size * BYTES_PER_MB;
}

function seconds(durationNs: number | undefined): number | undefined {
  return durationNs === undefined ? undefined : durationNs / Number(NS_PER_SECOND);
}

/** Leaves out what is not set, so that defaults apply. */
function definedOnly<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
