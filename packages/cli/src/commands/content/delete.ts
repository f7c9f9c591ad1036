import { errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { contentIdProblem } from "../../session/id-phrases.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { requireDangerous } from "../../session/require-dangerous.ts";

/** `content delete`: marks contents deleted. They stay readable until maintenance drops them (spec 1 §9.5). */
export const command = defineCommand({
  flags: {},
  arguments: { ids: remainingArguments("id", "IDs of contents to delete", { required: true }) },
  async run(context, { arguments: { ids } }) {
    requireDangerous(context);
    await withWriteSession(context, async ({ contents }) => {
      for (const id of ids) {
        const problem = contentIdProblem(id);
        if (problem !== undefined) throw new CommandError(`error parsing content ID: ${problem}`);
        try {
          contents.deleteContent(id);
        } catch (error) {
          const reason = isKopiaError(error, "CONTENT_NOT_FOUND")
            ? "content not found"
            : errorMessage(error);
          throw new CommandError(`error deleting content ${id}: ${reason}`, { cause: error });
        }
      }
    });
  },
});
