import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { defineCommand } from "../../parser/command.ts";
import { choiceFlag } from "../../parser/flag.ts";
import { CACHE_PARTS, cachePlace, requireCacheDirectory } from "./cache-place.ts";

const CACHE_TAG_FILE = "CACHEDIR.TAG";

/** `cache clear`: empties the local cache, or a part of it. */
export const command = defineCommand({
  flags: {
    partial: choiceFlag("partial", { help: "Only this part", choices: Object.keys(CACHE_PARTS) }),
  },
  arguments: {},
  async run(context, { flags }) {
    const { directory } = await cachePlace(context);
    requireCacheDirectory(directory);
    const part = flags.partial as keyof typeof CACHE_PARTS | undefined;
    if (part === undefined) {
      context.log.info(`Clearing cache directory: ${directory}.`);
      for (const name of namesIn(directory)) {
        // The mark stays: it is what makes the directory a cache.
        if (name !== CACHE_TAG_FILE) remove(join(directory, name));
      }
      return;
    }
    context.log.info(`Clearing cache directory: ${join(directory, part)}.`);
    for (const name of CACHE_PARTS[part]) remove(join(directory, name));
  },
});

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    // Never used: empty already.
    return [];
  }
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
}
