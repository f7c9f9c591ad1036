import { collectAsync } from "@kopia-engine/kopia-format";
import { defineCommand } from "../../parser/command.ts";
import { integerFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

/** `cache sync`: brings all metadata packs into the cache. */
export const command = defineCommand({
  flags: { parallel: integerFlag("parallel", { help: "Blobs fetched at once", default: 16 }) },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async ({ cachedStorage, storage }) => {
      if (cachedStorage === storage) return;
      const blobs = await collectAsync(storage.list("q"));
      let next = 0;
      const fetch = async (): Promise<void> => {
        while (next < blobs.length) {
          context.io.signal.throwIfAborted();
          const blob = blobs[next++];
          if (blob !== undefined) await cachedStorage.get(blob.id);
        }
      };
      await Promise.all(Array.from({ length: Math.max(1, flags.parallel) }, fetch));
    });
  },
});
