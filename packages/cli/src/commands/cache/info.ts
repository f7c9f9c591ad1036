import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { NS_PER_SECOND, formatGoDuration, type CachingOptions } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import type { FormatBytes } from "../../output/sizes.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { cachePlace } from "./cache-place.ts";

const DEFAULT_CONTENT_SWEEP_SECONDS = 600;
const DEFAULT_METADATA_SWEEP_SECONDS = 86_400;

/** `cache info`: files and bytes of each part of the local cache. */
export const command = defineCommand({
  flags: { path: booleanFlag("path", { help: "Only print the directory" }) },
  arguments: {},
  async run(context, { flags }) {
    const { caching, directory } = await cachePlace(context);
    const { out, log, formatBytes } = context;
    if (flags.path) {
      out.line(directory);
      return;
    }
    if (directory === "") throw new CommandError("caching not enabled");
    for (const name of partsOf(directory)) {
      const { files, bytes } = measure(join(directory, name));
      const limits = limitsOf(name, caching, formatBytes);
      out.line(`${join(directory, name)}: ${files} files ${formatBytes(bytes)}${limits}`);
    }
    log.info("To adjust cache sizes use 'kopia cache set'.");
    log.info("To clear caches use 'kopia cache clear'.");
  },
});

/** First-level directories; of this program's own one, its parts. */
function partsOf(directory: string): readonly string[] {
  return directoriesIn(directory).flatMap((name) =>
    name === "blob-cache-v1"
      ? directoriesIn(join(directory, name)).map((part) => `${name}/${part}`)
      : [name],
  );
}

function directoriesIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name)
      .sort((a, b) => (a < b ? -1 : 1));
  } catch {
    // A cache that nothing was put into yet.
    return [];
  }
}

function measure(path: string): { readonly files: number; readonly bytes: number } {
  let files = 0;
  let bytes = 0;
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const stats = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false });
    if (stats === undefined) continue;
    files++;
    bytes += stats.size;
  }
  return { files, bytes };
}

function limitsOf(name: string, caching: CachingOptions, formatBytes: FormatBytes): string {
  const seconds = (value: number): string =>
    formatGoDuration(BigInt(Math.round(value)) * NS_PER_SECOND);
  if (name === "blob-list") return ` (duration: ${seconds(caching.maxListCacheDuration ?? 0)})`;
  const sizes = (soft = 0, hard = 0, sweepSeconds = 0): string =>
    ` (soft limit: ${formatBytes(soft)}, hard limit: ${hard === 0 ? "none" : formatBytes(hard)}, ` +
    `min sweep age: ${seconds(sweepSeconds)})`;
  if (name === "contents" || name === "blob-cache-v1/data")
    return sizes(
      caching.maxCacheSize,
      caching.contentCacheSizeLimitBytes,
      caching.minContentSweepAge ?? DEFAULT_CONTENT_SWEEP_SECONDS,
    );
  if (name === "metadata" || name === "blob-cache-v1/metadata")
    return sizes(
      caching.maxMetadataCacheSize,
      caching.metadataCacheSizeLimitBytes,
      caching.minMetadataSweepAge ?? DEFAULT_METADATA_SWEEP_SECONDS,
    );
  return "";
}
