import { formatGoTime, goStringify, type ManifestEntry } from "@kopia-engine/kopia-format";
import { compareUtf8 } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { JsonListWriter, jsonFlags } from "../../output/json-output.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { listFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

const LENGTH_WIDTH = 10;

/** `manifest list` (spec 2 §9.13). */
export const command = defineCommand({
  flags: {
    filter: listFlag("filter", { help: "Manifests that have this label (key:value)" }),
    sort: listFlag("sort", { help: "Labels to sort by" }),
    ...jsonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    const labels = parseFilters(flags.filter);
    await withRepository(context, async (repository) => {
      const { out } = context;
      const found = await repository.manifests.find(labels);
      const entries = found.toSorted((a, b) => compareByLabels(a, b, flags.sort));
      if (flags.json) {
        const list = new JsonListWriter(out, { indent: flags.jsonIndent });
        for (const entry of entries) await list.add(entryJson(entry));
        list.end();
        return;
      }
      for (const entry of entries) {
        const length = String(entry.lengthBytes).padStart(LENGTH_WIDTH);
        const time = timestamp(context, entry.modified);
        const others = sortedLabels(entry)
          .filter(([key]) => key !== "type")
          .map(([key, value]) => `${key}:${value}`)
          .join(" ");
        out.line(`${entry.id} ${length} ${time} type:${entry.labels["type"] ?? ""} ${others}`);
        await out.settle();
      }
    });
  },
});

function parseFilters(texts: readonly string[]): Readonly<Record<string, string>> {
  const labels = Object.create(null) as Record<string, string>;
  for (const text of texts) {
    const colon = text.indexOf(":");
    if (colon <= 0)
      throw new CommandError(`invalid list filter ${JSON.stringify(text)}, missing ':'`);
    labels[text.slice(0, colon)] = text.slice(colon + 1);
  }
  return labels;
}

function compareByLabels(a: ManifestEntry, b: ManifestEntry, keys: readonly string[]): number {
  for (const key of keys) {
    const order = compareUtf8(a.labels[key] ?? "", b.labels[key] ?? "");
    if (order !== 0) return order;
  }
  return a.modified < b.modified ? -1 : a.modified > b.modified ? 1 : 0;
}

function sortedLabels(entry: ManifestEntry): readonly (readonly [string, string])[] {
  return Object.entries(entry.labels).sort(([a], [b]) => compareUtf8(a, b));
}

function entryJson(entry: ManifestEntry): string {
  return goStringify({
    id: entry.id,
    length: entry.lengthBytes,
    labels: new Map(sortedLabels(entry)),
    mtime: formatGoTime(entry.modified),
  });
}
