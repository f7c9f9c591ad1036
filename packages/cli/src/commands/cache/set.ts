import { resolve } from "node:path";
import {
  NS_PER_SECOND,
  formatGoDuration,
  readConnection,
  writeConnection,
  type CachingOptions,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { durationFlag, integerFlag, textFlag, type FlagValues } from "../../parser/flag.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";

/** 10⁶ here, while `connect` counts in 2²⁰ (trap T-26). */
const BYTES_PER_MB = 1_000_000;

const flags = {
  contentCacheSizeMb: size("content-cache-size-mb", "Wanted size of the cache of file data"),
  contentCacheSizeLimitMb: size("content-cache-size-limit-mb", "Largest size of it"),
  contentMinSweepAge: age("content-min-sweep-age", "Least age of file data that is removed"),
  metadataCacheSizeMb: size("metadata-cache-size-mb", "Wanted size of the cache of metadata"),
  metadataCacheSizeLimitMb: size("metadata-cache-size-limit-mb", "Largest size of it"),
  metadataMinSweepAge: age("metadata-min-sweep-age", "Least age of metadata that is removed"),
  indexMinSweepAge: age("index-min-sweep-age", "Least age of index blobs that are removed"),
  maxListCacheDuration: age("max-list-cache-duration", "How long lists of blobs are kept"),
  cacheDirectory: textFlag("cache-directory", { help: "Directory of the cache" }),
};

/** `cache set`: changes the connection file; nothing to change is an error (trap T-23). */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, input) {
    await withRepository(context, async () => {});
    const configPath = connectionPath(context);
    const connection = await readConnection(configPath);
    const changes = changesOf(context, input.flags);
    if (Object.keys(changes).length === 0) throw new CommandError("no changes");
    await writeConnection(configPath, {
      ...connection,
      caching: { ...connection.caching, ...changes },
    });
  },
});

function changesOf(context: CommandContext, values: FlagValues<typeof flags>): CachingOptions {
  const { log, formatBytes, io } = context;
  const changes: { -readonly [K in keyof CachingOptions]: CachingOptions[K] } = {};
  const setSize = (field: SizeField, megabytes: number | undefined, what: string): void => {
    // Kopia takes a negative size for none given.
    if (megabytes === undefined || megabytes < 0) return;
    changes[field] = megabytes * BYTES_PER_MB;
    log.info(`changing ${what} to ${formatBytes(changes[field])}`);
  };
  const setAge = (field: AgeField, ns: number | undefined, what: string): void => {
    if (ns === undefined || ns < 0) return;
    changes[field] = Math.trunc(ns / Number(NS_PER_SECOND));
    log.info(`changing ${what} to ${formatGoDuration(BigInt(ns))}`);
  };
  if (values.cacheDirectory !== undefined && values.cacheDirectory !== "") {
    changes.cacheDirectory = resolve(io.cwd, values.cacheDirectory);
    log.info(`setting cache directory to ${values.cacheDirectory}`);
  }
  setSize("maxCacheSize", values.contentCacheSizeMb, "content cache size");
  setSize("contentCacheSizeLimitBytes", values.contentCacheSizeLimitMb, "content cache size limit");
  setSize("maxMetadataCacheSize", values.metadataCacheSizeMb, "metadata cache size");
  setSize(
    "metadataCacheSizeLimitBytes",
    values.metadataCacheSizeLimitMb,
    "metadata cache size limit",
  );
  setAge("maxListCacheDuration", values.maxListCacheDuration, "list cache duration");
  setAge("minMetadataSweepAge", values.metadataMinSweepAge, "minimum metadata sweep age");
  setAge("minContentSweepAge", values.contentMinSweepAge, "minimum content sweep age");
  setAge("minIndexSweepAge", values.indexMinSweepAge, "minimum index sweep age");
  return changes;
}

type SizeField =
  | "maxCacheSize"
  | "contentCacheSizeLimitBytes"
  | "maxMetadataCacheSize"
  | "metadataCacheSizeLimitBytes";

type AgeField =
  | "maxListCacheDuration"
  | "minMetadataSweepAge"
  | "minContentSweepAge"
  | "minIndexSweepAge";

function size(name: string, help: string) {
  return integerFlag(name, { help: `${help}, in MB`, placeholder: "MB" });
}

function age(name: string, help: string) {
  return durationFlag(name, { help });
}
