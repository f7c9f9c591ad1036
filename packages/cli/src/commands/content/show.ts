import { gunzipSync } from "node:zlib";
import {
  errorMessage,
  isKopiaError,
  parseJson,
  utf8Decode,
  type Repository,
} from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { indentJson } from "../../output/json-indent.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { contentIdProblem } from "../../session/id-phrases.ts";
import { withRepository } from "../../session/open-session.ts";

/** A manifest content unpacks to at most this. */
const MAX_UNZIPPED_BYTES = 2 ** 30;

/** `content show`: bytes of contents as they are, unzipped or laid out as JSON on request. */
export const command = defineCommand({
  flags: {
    json: booleanFlag("json", { short: "j", help: "Lay the content out as JSON" }),
    unzip: booleanFlag("unzip", { short: "z", help: "Unpack gzip first" }),
  },
  arguments: { ids: remainingArguments("id", "Content IDs", { required: true }) },
  async run(context, { flags, arguments: { ids } }) {
    await withRepository(context, async (repository) => {
      for (const id of ids) {
        const data = await readContent(repository, id);
        const plain = flags.unzip ? unzip(data) : data;
        if (flags.json) context.out.write(layOut(plain));
        else await context.out.bytes(plain);
      }
    });
  },
});

async function readContent(repository: Repository, id: string): Promise<Uint8Array> {
  const problem = contentIdProblem(id);
  if (problem !== undefined) throw new CommandError(`error parsing content ID: ${problem}`);
  try {
    return await repository.contents.getContent(id);
  } catch (error) {
    const reason = isKopiaError(error, "CONTENT_NOT_FOUND")
      ? "content not found"
      : errorMessage(error);
    throw new CommandError(`error getting content ${id}: ${reason}`, { cause: error });
  }
}

function unzip(data: Uint8Array): Uint8Array {
  try {
    return gunzipSync(data, { maxOutputLength: MAX_UNZIPPED_BYTES });
  } catch (error) {
    throw new CommandError("unable to open gzip stream: gzip: invalid header", { cause: error });
  }
}

function layOut(data: Uint8Array): string {
  try {
    parseJson(data);
  } catch (error) {
    throw new CommandError(`errors indenting JSON: ${errorMessage(error)}`, { cause: error });
  }
  return `${indentJson(utf8Decode(data), { prefix: "", indent: "  " })}\n`;
}
