import { SizeHistogram } from "../../output/histogram.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, textFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

/** `blob stats`. */
export const command = defineCommand({
  flags: {
    raw: booleanFlag("raw", { short: "r", help: "Sizes in bytes" }),
    prefix: textFlag("prefix", { help: "Blobs whose name begins with this", default: "" }),
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const { out } = context;
      const size: (lengthBytes: number) => string = flags.raw ? String : context.formatBytes;
      const histogram = new SizeHistogram();
      let count = 0;
      let totalBytes = 0;
      for await (const blob of repository.storage.list(flags.prefix)) {
        count++;
        totalBytes += blob.lengthBytes;
        histogram.add(blob.lengthBytes);
      }
      out.line(`Count: ${count}`);
      out.line(`Total: ${size(totalBytes)}`);
      if (count === 0) return;
      out.line(`Average: ${size(Math.trunc(totalBytes / count))}`);
      histogram.print(out, size);
    });
  },
});
