import {
  collectAsync,
  formatGoTime,
  goQuote,
  type BlobMetadata,
  type Repository,
} from "@kopia-engine/kopia-format";
import { JsonListWriter, jsonFlags } from "../../output/json-output.ts";
import { timestampMs } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, choiceFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

const NAME_WIDTH = 60;
const LENGTH_WIDTH = 10;
const ORDERS: Readonly<Record<string, (a: BlobMetadata, b: BlobMetadata) => number>> = {
  time: (a, b) => (a.timestamp < b.timestamp ? -1 : a.timestamp > b.timestamp ? 1 : 0),
  size: (a, b) => a.lengthBytes - b.lengthBytes,
  name: () => 0,
};

/** `index list` (spec 3 §6.11). */
export const command = defineCommand({
  flags: {
    summary: booleanFlag("summary", { help: "Count at the end" }),
    superseded: booleanFlag("superseded", { help: "Index blobs that others replace too" }),
    sort: choiceFlag("sort", { help: "Order", choices: ["time", "size", "name"], default: "time" }),
    ...jsonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const { out } = context;
      const blobs = await listBlobs(repository, flags.superseded);
      const byName = blobs.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const sorted = byName.toSorted(ORDERS[flags.sort]);
      const list = flags.json ? new JsonListWriter(out, { indent: flags.jsonIndent }) : undefined;
      for (const blob of sorted) {
        if (list !== undefined) {
          const time = formatGoTime(blob.timestamp);
          await list.add(
            `{"id":${goQuote(blob.id)},"length":${blob.lengthBytes},"timestamp":"${time}","Superseded":null}`,
          );
          continue;
        }
        const length = String(blob.lengthBytes).padStart(LENGTH_WIDTH);
        out.line(
          `${blob.id.padEnd(NAME_WIDTH)} ${length} ${timestampMs(context, blob.timestamp)} []`,
        );
      }
      list?.end();
      if (flags.summary && list === undefined) out.line(`total ${sorted.length} indexes`);
    });
  },
});

async function listBlobs(
  repository: Repository,
  withSuperseded: boolean,
): Promise<readonly BlobMetadata[]> {
  if (!withSuperseded) return repository.indexBlobs();
  const prefixes = repository.format.content.epochParameters.enabled ? ["xn", "xs", "xr"] : ["n"];
  const lists = await Promise.all(
    prefixes.map((prefix) => collectAsync(repository.storage.list(prefix))),
  );
  return lists.flat();
}
