import {
  errorMessage,
  isConnected,
  isKopiaError,
  openConnection,
  readConnection,
  readPersistedPassword,
  resolveConfigPath,
  type OpenConnectionOptions,
  type Repository,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { openingPhrase } from "./kopia-phrases.ts";
import { askPassword, givenPassword } from "./password.ts";
import { openingEnvironment, upgradeWaiting } from "./upgrade-waiting.ts";

const NOT_CONNECTED =
  "open repository: repository is not connected. See https://kopia.io/docs/repositories/";

/** Absolute path of the connection file of this run. */
export function connectionPath(context: CommandContext): string {
  return resolveConfigPath(context.io.env, context.globals.configFile);
}

/** How a repository is opened. */
export interface OpenOptions {
  /** False where the storage itself must be looked at: a cache could hide damage. Default true. */
  readonly useCache?: boolean;
  /** Absolute path of another connection file than that of this run. */
  readonly configPath?: string;
  /** Known already; default: given, stored, or asked for. */
  readonly password?: string;
  /** What is written stays in memory and is gone at the end. Default false. */
  readonly dryRun?: boolean;
  /** Damaged index blobs are left out with a warning, instead of keeping everybody out. For repair. Default false. */
  readonly toleratesDamagedIndex?: boolean;
}

/** Opens the connected repository for reading, and closes it afterwards. */
export async function withRepository(
  context: CommandContext,
  use: (repository: Repository) => Promise<void>,
  options: OpenOptions = {},
): Promise<void> {
  const repository = await open(context, options);
  try {
    await use(repository);
  } finally {
    await repository.close();
  }
}

/** How a write session reports failures. */
export interface WriteSessionOptions extends Pick<OpenOptions, "password"> {
  /** Put before every error, as Kopia does for commands that change snapshots. */
  readonly errorPrefix?: string;
  /** Runs when all is durable and the session has ended; its failures have no prefix. */
  readonly afterwards?: (context: CommandContext, repository: Repository) => Promise<void>;
  /** What is written stays in memory and is gone at the end. Default false. */
  readonly dryRun?: boolean;
  /** Nothing is changed, so that a read-only connection will do. Default false. */
  readonly onlyTells?: boolean;
}

/** What Kopia puts before errors of commands that change snapshots. */
export const IN_WRITE_SESSION = "running in write session: ";

/**
 * Opens the connected repository with a write session. What `use` wrote becomes durable when it returns;
 * when it throws, nothing it wrote becomes visible unless it flushed by itself.
 */
export async function withWriteSession(
  context: CommandContext,
  use: (session: WriteSession) => Promise<void>,
  options: WriteSessionOptions = {},
): Promise<void> {
  const isReadOnly = options.onlyTells === true && (await isConnectedReadOnly(context));
  await withRepository(
    context,
    async (repository) => {
      try {
        await using session = await repository.writeSession();
        await use(session);
        await session.flush();
        context.observability.metrics?.writeSession(session.contents.stats());
      } catch (error) {
        if (options.errorPrefix === undefined) throw error;
        throw new CommandError(`${options.errorPrefix}${errorMessage(error)}`, { cause: error });
      }
      if (!isReadOnly) await options.afterwards?.(context, repository);
    },
    isReadOnly ? { ...options, dryRun: true } : options,
  );
}

async function isConnectedReadOnly(context: CommandContext): Promise<boolean> {
  const path = connectionPath(context);
  return isConnected(path) && (await readConnection(path)).client.readOnly;
}

/** Logs and metrics for whoever opens a storage. */
function watchOptions({ observability, globals }: CommandContext): Partial<OpenConnectionOptions> {
  const { onStorageOperation, onRepositoryLogLine } = observability;
  return {
    repositoryLog: !globals.disableRepositoryLog,
    ...(onStorageOperation !== undefined && { onStorageOperation }),
    ...(onRepositoryLogLine !== undefined && { onRepositoryLogLine }),
  };
}

async function open(context: CommandContext, options: OpenOptions): Promise<Repository> {
  const configPath = options.configPath ?? connectionPath(context);
  const { io } = context;
  if (!isConnected(configPath))
    throw new CommandError(`${NOT_CONNECTED}\n${connectHint(configPath)}`);
  try {
    const password =
      options.password ?? givenPassword(context) ?? (await storedOrAsked(context, configPath));
    return await openConnection(configPath, {
      password,
      env: openingEnvironment(context),
      useCache: options.useCache ?? true,
      ...upgradeWaiting(context),
      ...watchOptions(context),
      onWarning: (message) => context.log.warning(message),
      ...(options.dryRun === true && { dryRun: true }),
      ...(options.toleratesDamagedIndex === true && {
        onUnreadableIndex: (blobId, error) =>
          context.log.warning(`index blob ${blobId} is left out: ${error.message}`),
      }),
      ...(io.clock === undefined ? {} : { clock: io.clock }),
      ...(io.random === undefined ? {} : { random: io.random }),
    });
  } catch (error) {
    if (isKopiaError(error, "REPOSITORY_NOT_CONNECTED"))
      throw new CommandError(NOT_CONNECTED, { cause: error });
    const reason = openingPhrase(error);
    if (!isKopiaError(error))
      throw new CommandError(`open repository: ${reason}`, { cause: error });
    context.log.error(`failed to open repository: ${reason}`);
    throw new CommandError(`open repository: unable to open repository: ${reason}`, {
      cause: error,
    });
  }
}

function connectHint(configPath: string): string {
  return (
    `  cause: there is no connection file ${configPath}\n` +
    "  what to do: Connect to a repository first. (REPOSITORY_NOT_CONNECTED)"
  );
}

async function storedOrAsked(context: CommandContext, configPath: string): Promise<string> {
  return (
    (await readPersistedPassword(configPath)) ??
    (await askPassword(context, "Enter password to open repository: "))
  );
}
