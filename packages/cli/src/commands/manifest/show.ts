import { compareUtf8 } from "@kopia-engine/snapshotter";
import { indentJson } from "../../output/json-indent.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { getManifestEntry } from "./manifest-entry.ts";

/** `manifest show`: labels as comments, then the payload; nothing in the payload is changed but its layout. */
export const command = defineCommand({
  flags: {},
  arguments: { items: remainingArguments("item", "Manifest IDs", { required: true }) },
  async run(context, { arguments: { items } }) {
    await withRepository(context, async (repository) => {
      const { out } = context;
      for (const id of items) {
        const entry = await getManifestEntry(repository.manifests, id);
        const payload = await repository.manifests.getPayload(id);
        out.line(`// id: ${entry.id}`);
        out.line(`// length: ${entry.lengthBytes}`);
        out.line(`// modified: ${timestamp(context, entry.modified)}`);
        const labels = Object.entries(entry.labels).sort(([a], [b]) => compareUtf8(a, b));
        for (const [key, value] of labels) out.line(`// label ${key}:${value}`);
        out.write(indentJson(payload, { prefix: "", indent: "  " }));
      }
    });
  },
});
