import {
  connectRepository,
  errorMessage,
  isKopiaError,
  readPersistedPassword,
  type RepositoryFormat,
  type StorageConfig,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { openingPhrase, storagePhrase } from "../../session/kopia-phrases.ts";
import { connectionPath } from "../../session/open-session.ts";
import { askPassword, givenPassword } from "../../session/password.ts";
import { openingEnvironment, upgradeWaiting } from "../../session/upgrade-waiting.ts";
import { cachingOptions, connectClient, type ConnectFlagValues } from "./connect-flags.ts";

/** What to connect to. */
export interface ConnectTarget {
  readonly storage: StorageConfig;
  /** Known already: from a token, or because the repository was just created. */
  readonly password?: string;
  /** Of a repository that was just created. */
  readonly format?: RepositoryFormat;
}

/**
 * Proves storage and password, then writes the connection file. An earlier connection stays as it is when
 * that fails.
 * @throws CommandError.
 */
export async function connectToStorage(
  context: CommandContext,
  target: ConnectTarget,
  flags: ConnectFlagValues,
): Promise<void> {
  const configPath = connectionPath(context);
  const password = target.password ?? (await findPassword(context, configPath));
  try {
    await connectRepository({
      configPath,
      storage: target.storage,
      password,
      client: connectClient(flags),
      caching: cachingOptions(context, flags),
      persistPassword: context.globals.persistCredentials,
      env: openingEnvironment(context),
      ...upgradeWaiting(context),
      ...(target.format === undefined ? {} : { format: target.format }),
      ...(context.io.clock === undefined ? {} : { clock: context.io.clock }),
    });
  } catch (error) {
    throw connectError(context, error);
  }
  context.log.info("Connected to repository.");
}

async function findPassword(context: CommandContext, configPath: string): Promise<string> {
  return (
    givenPassword(context) ??
    (await readPersistedPassword(configPath)) ??
    (await askPassword(context, "Enter password to open repository: "))
  );
}

function connectError(context: CommandContext, error: unknown): CommandError {
  if (!isKopiaError(error)) return new CommandError(errorMessage(error), { cause: error });
  if (error.code === "STORAGE_UNSUPPORTED")
    return new CommandError(`can't connect to storage: ${error.message}`, { cause: error });
  if (error.code === "STORAGE_UNAVAILABLE") {
    return new CommandError(`can't connect to storage: ${storagePhrase(error)}`, { cause: error });
  }
  if (error.code === "REPOSITORY_NOT_FOUND") {
    const phrase =
      "error connecting to repository: repository not initialized in the provided storage";
    return new CommandError(phrase, { cause: error });
  }
  const reason = openingPhrase(error);
  context.log.error(`failed to open repository: ${reason}`);
  return new CommandError(`error connecting to repository: ${reason}`, { cause: error });
}
