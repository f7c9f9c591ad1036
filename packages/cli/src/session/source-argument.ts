import type { Repository } from "@kopia-engine/kopia-format";
import { parseSource, type Source } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";

/** Why a text names no source, in Kopia's words: nothing follows its `@`. */
export function sourceProblem(text: string): string {
  return `invalid hostname in ${JSON.stringify(text)}`;
}

/**
 * A source as a person writes it: a path, `user@host` or `user@host:/path`. `refusal` makes the message of the
 * error from the text and the cause; Kopia's commands word it differently.
 * @throws CommandError.
 */
export function sourceArgument(
  context: CommandContext,
  repository: Repository,
  text: string,
  refusal = (cause: string): string => `invalid source '${text}': ${cause}`,
): Source {
  const { username, hostname } = repository.client;
  try {
    return parseSource(text, {
      userName: username,
      host: hostname,
      workingDirectory: context.io.cwd,
    });
  } catch (error) {
    throw new CommandError(refusal(sourceProblem(text)), { cause: error });
  }
}
