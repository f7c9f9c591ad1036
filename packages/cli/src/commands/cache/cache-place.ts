import { existsSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { readConnection, type CachingOptions } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";

const CACHE_TAG_FILE = "CACHEDIR.TAG";

/** Parts of the cache as commands name them, with the directories of both programs. */
export const CACHE_PARTS = {
  contents: ["contents", "blob-cache-v1/data"],
  indexes: ["indexes", "index-blobs"],
  metadata: ["metadata", "blob-cache-v1/metadata"],
  "own-writes": ["own-writes"],
  "blob-list": ["blob-list"],
} as const;

/** Settings and directory of the cache. */
export interface CachePlace {
  readonly caching: CachingOptions;
  /** Empty where caching is off. */
  readonly directory: string;
}

/** The cache of the connection; an absolute `KOPIA_CACHE_DIRECTORY` wins (spec 3 §7.1). @throws CommandError. */
export async function cachePlace(context: CommandContext): Promise<CachePlace> {
  // As in Kopia the connection must work.
  await withRepository(context, async () => {});
  const { caching } = await readConnection(connectionPath(context));
  const given = context.io.env["KOPIA_CACHE_DIRECTORY"] ?? "";
  if (caching.cacheDirectory === undefined) return { caching, directory: "" };
  return { caching, directory: isAbsolute(given) ? given : caching.cacheDirectory };
}

/** Refuses a directory that no program marked as a cache: emptying it would lose something else (trap T-31). */
export function requireCacheDirectory(directory: string): void {
  if (directory === "") throw new CommandError("caching not enabled");
  if (!existsSync(directory) || existsSync(join(directory, CACHE_TAG_FILE))) return;
  throw new CommandError(
    `${directory} has no ${CACHE_TAG_FILE}: it is not a cache, and is left alone\n` +
      "  what to do: remove what is in it by hand, or set another directory with `cache set --cache-directory`",
  );
}
