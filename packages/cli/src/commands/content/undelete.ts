import { errorMessage } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { withWriteSession } from "../../session/open-session.ts";

/** `content undelete`, which Kopia has only inside its maintenance: writes contents marked deleted again. */
export const command = defineCommand({
  flags: {},
  arguments: {
    ids: remainingArguments("id", "IDs of contents marked deleted", { required: true }),
  },
  async run(context, { arguments: { ids } }) {
    await withWriteSession(context, async ({ contents }) => {
      for (const id of ids) {
        try {
          const isDeleted = contents.getContentInfo(id)?.deleted;
          await contents.undeleteContent(id);
          if (isDeleted === false) context.log.info(`content ${id} is not deleted`);
        } catch (error) {
          const message = `error undeleting content ${id}: ${errorMessage(error)}`;
          throw new CommandError(message, { cause: error });
        }
        await contents.settle();
      }
    });
  },
});
