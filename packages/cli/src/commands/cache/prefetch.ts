import { errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import { resolveObjectPath } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { textFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";

/** `cache prefetch`: reads the contents of objects, so that the cache has them where it keeps such contents. */
export const command = defineCommand({
  flags: { hint: textFlag("hint", { help: "Accepted, without effect" }) },
  arguments: { objects: remainingArguments("object", "Object paths", { required: true }) },
  async run(context, { arguments: { objects } }) {
    await withRepository(context, async (repository) => {
      const fetched = new Set<string>();
      for (const text of objects) {
        for (const contentId of await contentsOf(text)) {
          if (fetched.has(contentId)) continue;
          await repository.contents.getContent(contentId);
          fetched.add(contentId);
        }
      }
      context.log.info(`prefetched ${fetched.size} contents`);

      async function contentsOf(text: string): Promise<readonly string[]> {
        let objectId: string | undefined;
        try {
          ({ objectId } = (await resolveObjectPath(repository, text)).entry);
        } catch (error) {
          if (isKopiaError(error, "OBJECT_NOT_FOUND")) throw error;
          throw new CommandError(`unable to parse ID: ${text}: ${errorMessage(error)}`, {
            cause: error,
          });
        }
        if (objectId === undefined) return [];
        try {
          const pieces = await repository.objects.objectPieces(objectId);
          return pieces.map(({ contentId }) => contentId);
        } catch (error) {
          // As in Kopia: what is not there cannot be fetched, and is no failure.
          if (isKopiaError(error, "OBJECT_NOT_FOUND")) return [];
          throw error;
        }
      }
    });
  },
});
