import { isKopiaError, type ManifestEntry, type Repository } from "@kopia-engine/kopia-format";
import { compareUtf8 } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { indentJson } from "../../output/json-indent.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";

/** `manifest show`: labels as comments, then the payload; nothing in the payload is changed but its layout. */
export const command = defineCommand({
  flags: {},
  arguments: { items: remainingArguments("item", "Manifest IDs", { required: true }) },
  async run(context, { arguments: { items } }) {
    await withRepository(context, async (repository) => {
      const { out } = context;
      for (const id of items) {
        const entry = await getEntry(repository, id);
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

async function getEntry(repository: Repository, id: string): Promise<ManifestEntry> {
  try {
    return await repository.manifests.getEntry(id);
  } catch (error) {
    if (!isKopiaError(error, "MANIFEST_NOT_FOUND")) throw error;
    const phrase = `error getting metadata for ${JSON.stringify(id)}: manifest ${id}: not found`;
    throw new CommandError(phrase, { cause: error });
  }
}
