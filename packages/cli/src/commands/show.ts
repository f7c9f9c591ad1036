import { isKopiaError, type ObjectReader, type Repository } from "@kopia-engine/kopia-format";
import { resolveObjectPath } from "@kopia-engine/snapshotter";
import { CommandError } from "../command-error.ts";
import { defineCommand, requiredArgument } from "../parser/command.ts";
import { entryPhrase } from "../session/kopia-phrases.ts";
import { withRepository } from "../session/open-session.ts";

/** `show`: the bytes of an object on stdout. Besides object IDs it takes snapshots and paths inside. */
export const command = defineCommand({
  flags: {},
  arguments: { path: requiredArgument("object-path", "Object, with a path inside") },
  async run(context, { arguments: { path } }) {
    await withRepository(context, async (repository) => {
      const object = await openObject(repository, path);
      for await (const piece of object.chunks()) await context.out.bytes(piece);
    });
  },
});

async function openObject(repository: Repository, path: string): Promise<ObjectReader> {
  let objectId = path;
  if (path.includes("/")) {
    try {
      ({
        entry: { objectId },
      } = await resolveObjectPath(repository, path));
    } catch (error) {
      throw new CommandError(`unable to parse ID: ${path}: ${entryPhrase(error, "")}`, {
        cause: error,
      });
    }
  }
  try {
    return await repository.objects.openObject(objectId);
  } catch (error) {
    const isInvalid = isKopiaError(error, "OBJECT_ID_INVALID");
    const phrase = isInvalid ? `unable to parse ID: ${path}` : `error opening object ${objectId}`;
    throw new CommandError(`${phrase}: ${entryPhrase(error, `can't parse object ID ${path}: `)}`, {
      cause: error,
    });
  }
}
