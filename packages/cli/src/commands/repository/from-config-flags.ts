import { readFile } from "node:fs/promises";
import {
  decodeConnectionToken,
  errorMessage,
  isKopiaError,
  readConnection,
  type ConnectionToken,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { booleanFlag, textFlag, type FlagValues } from "../../parser/flag.ts";

const MAX_TOKEN_BYTES = 1 << 20;

/** Where storage and password are described (spec 3 §6.3). */
export const fromConfigFlags = {
  file: textFlag("file", { help: "A connection file" }),
  token: textFlag("token", { help: "A reconnect token" }),
  tokenFile: textFlag("token-file", { help: "A file that holds a reconnect token" }),
  tokenStdin: booleanFlag("token-stdin", { help: "Read a reconnect token from standard input" }),
};

/** Reads what the flags point to; the password only where the token has one. @throws CommandError. */
export async function readConnectionSource(
  context: CommandContext,
  flags: FlagValues<typeof fromConfigFlags>,
): Promise<ConnectionToken> {
  try {
    return await readSource(context, flags);
  } catch (error) {
    throw new CommandError(`can't connect to storage: ${sourcePhrase(error, flags.file)}`, {
      cause: error,
    });
  }
}

/** Kopia's words, which scripts may look for. */
function sourcePhrase(error: unknown, file: string | undefined): string {
  if (isKopiaError(error, "REPOSITORY_NOT_CONNECTED"))
    return `unable to open config: error loading config file: open ${file}: no such file or directory`;
  if (isKopiaError(error, "TOKEN_INVALID")) return "invalid token: unable to decode token";
  return errorMessage(error);
}

async function readSource(
  context: CommandContext,
  flags: FlagValues<typeof fromConfigFlags>,
): Promise<ConnectionToken> {
  if (flags.file !== undefined) {
    const { storage } = await readConnection(flags.file);
    if (storage === undefined)
      throw new CommandError("connection file does not specify blob storage connection parameters");
    return { storage };
  }
  if (flags.token !== undefined) return decodeConnectionToken(flags.token.trim());
  if (flags.tokenFile !== undefined)
    return decodeConnectionToken((await readFile(flags.tokenFile, "utf8")).trim());
  if (flags.tokenStdin) return decodeConnectionToken(await readTokenFromInput(context));
  throw new CommandError("one of --file, --token-file, --token-stdin or --token must be provided");
}

async function readTokenFromInput(context: CommandContext): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const piece of context.io.stdin.bytes()) {
    text += decoder.decode(piece, { stream: true });
    if (text.length > MAX_TOKEN_BYTES) throw new CommandError("the token is too long");
  }
  return text.trim();
}
