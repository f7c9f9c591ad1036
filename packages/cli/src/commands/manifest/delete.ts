import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { getManifestEntry } from "./manifest-entry.ts";

/** `manifest delete`: all of the manifests or none; one that is not there is an error. */
export const command = defineCommand({
  flags: {},
  arguments: { items: remainingArguments("item", "Manifest IDs", { required: true }) },
  async run(context, { arguments: { items } }) {
    requireDangerous(context);
    await withWriteSession(context, async ({ manifests }) => {
      for (const id of items) await getManifestEntry(manifests, id);
      for (const id of items) await manifests.delete(id);
    });
  },
});
