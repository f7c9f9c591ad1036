import { formatGoTime, goQuote, type BlobMetadata } from "@kopia-engine/kopia-format";
import { JsonListWriter, jsonFlags } from "../../output/json-output.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, integerFlag, listFlag, textFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

const NAME_WIDTH = 70;
const LENGTH_WIDTH = 10;

/** `blob list` (spec 3 §6.11). */
export const command = defineCommand({
  flags: {
    prefix: textFlag("prefix", { help: "Blobs whose name begins with this", default: "" }),
    excludePrefix: listFlag("exclude-prefix", { help: "Leave out names that begin with this" }),
    minSize: integerFlag("min-size", { help: "Least size in bytes", default: 0 }),
    maxSize: integerFlag("max-size", { help: "Largest size in bytes", default: 0 }),
    dataOnly: booleanFlag("data-only", { help: "Packs only" }),
    ...jsonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const { out } = context;
      const list = flags.json ? new JsonListWriter(out, { indent: flags.jsonIndent }) : undefined;
      const isWanted = ({ id, lengthBytes }: BlobMetadata): boolean =>
        (flags.maxSize === 0 || lengthBytes <= flags.maxSize) &&
        lengthBytes >= flags.minSize &&
        (!flags.dataOnly || id.startsWith("p") || id.startsWith("q")) &&
        !flags.excludePrefix.some((prefix) => id.startsWith(prefix));
      for await (const blob of repository.storage.list(flags.prefix)) {
        if (!isWanted(blob)) continue;
        if (list !== undefined) {
          const time = formatGoTime(blob.timestamp);
          await list.add(
            `{"id":${goQuote(blob.id)},"length":${blob.lengthBytes},"timestamp":"${time}"}`,
          );
          continue;
        }
        const length = String(blob.lengthBytes).padStart(LENGTH_WIDTH);
        out.line(`${blob.id.padEnd(NAME_WIDTH)} ${length} ${timestamp(context, blob.timestamp)}`);
        await out.settle();
      }
      list?.end();
    });
  },
});
