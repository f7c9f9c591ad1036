import {
  createRepository,
  errorMessage,
  isKopiaError,
  openStorageForCreate,
  type BlobStorage,
  type ErrorCode,
  type NewRepositoryFormat,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { DEFAULT_POLICY, GLOBAL_TARGET, prepareNewRepository } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import type { FlagValues } from "../../parser/flag.ts";
import { askNewPassword, givenPassword } from "../../session/password.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { printNewPolicy } from "../policy/describe-policy.ts";
import type { ConnectFlagValues } from "./connect-flags.ts";
import { connectToStorage, type ConnectTarget } from "./connect-to-storage.ts";
import type { createFlags } from "./create-flags.ts";

type CreateFlagValues = FlagValues<typeof createFlags>;

/** Something is at the path already. */
const OCCUPIED: ReadonlySet<ErrorCode> = new Set([
  "REPOSITORY_EXISTS",
  "REPOSITORY_FOREIGN_DATA",
  "REPOSITORY_NESTED",
]);

/**
 * Creates a repository, connects to it, and writes the default policy and the owner of maintenance
 * (spec 1 §2.10).
 * @throws CommandError.
 */
export async function createInStorage(
  context: CommandContext,
  target: ConnectTarget,
  flags: CreateFlagValues & ConnectFlagValues,
): Promise<void> {
  const version = flags.formatVersion === 0 ? undefined : flags.formatVersion;
  const storage = await openEmptyStorage(target, version);
  let format: RepositoryFormat;
  const password = target.password ?? givenPassword(context) ?? (await newPassword(context));
  try {
    printFormat(context, flags);
    format = await createRepository(storage, {
      password,
      format: newFormat(flags, version),
      ...(context.io.random === undefined ? {} : { random: context.io.random }),
    });
  } catch (error) {
    throw createError(error);
  } finally {
    await storage.close();
  }
  if (flags.createOnly) return;
  await connectToStorage(context, { ...target, password, format }, flags);
  if (flags.readonly) return;
  await withWriteSession(context, prepareNewRepository, { password });
  printNewPolicy(context, { policy: DEFAULT_POLICY, target: GLOBAL_TARGET });
  context.log.info("");
  context.log.info("To find more information about default policy run 'kopia policy get'.");
  context.log.info("To change the policy use 'kopia policy set' command.");
}

async function openEmptyStorage(
  target: ConnectTarget,
  formatVersion: number | undefined,
): Promise<BlobStorage> {
  try {
    return await openStorageForCreate(
      target.storage,
      formatVersion === undefined ? {} : { formatVersion },
    );
  } catch (error) {
    if (isKopiaError(error) && OCCUPIED.has(error.code)) throw createError(error);
    throw new CommandError(`can't connect to storage: ${errorMessage(error)}`, { cause: error });
  }
}

async function newPassword(context: CommandContext): Promise<string> {
  try {
    return await askNewPassword(context);
  } catch (error) {
    throw new CommandError(`getting password: ${errorMessage(error)}`, { cause: error });
  }
}

function newFormat(flags: CreateFlagValues, version: number | undefined): NewRepositoryFormat {
  const { ecc, eccOverheadPercent, retentionMode, retentionPeriod } = flags;
  return {
    hash: flags.blockHash,
    encryption: flags.encryption,
    splitter: flags.objectSplitter,
    keyAlgorithm: flags.keyAlgorithm,
    ...(version === undefined ? {} : { version }),
    ...(eccOverheadPercent === 0 ? {} : { ecc: ecc ?? "REED-SOLOMON-CRC32", eccOverheadPercent }),
    ...(retentionMode === undefined && retentionPeriod === undefined
      ? {}
      : {
          blobRetention: {
            ...(retentionMode === undefined ? {} : { retentionMode }),
            ...(retentionPeriod === undefined ? {} : { retentionPeriodNs: retentionPeriod }),
          },
        }),
  };
}

function printFormat(context: CommandContext, flags: CreateFlagValues): void {
  const { log } = context;
  log.info("Initializing repository with:");
  if (flags.formatVersion) log.info(`  format version:      ${flags.formatVersion}`);
  log.info(`  block hash:          ${flags.blockHash}`);
  log.info(`  encryption:          ${flags.encryption}`);
  log.info(`  key derivation:      ${flags.keyAlgorithm}`);
  if (flags.eccOverheadPercent > 0) {
    log.info(`  ecc:                 ${flags.ecc ?? "REED-SOLOMON-CRC32"}`);
    log.info(`  ecc overhead:        ${flags.eccOverheadPercent}%`);
  }
  log.info(`  splitter:            ${flags.objectSplitter}`);
}

function createError(error: unknown): CommandError {
  const isOccupied = isKopiaError(error) && OCCUPIED.has(error.code);
  const phrase = isOccupied
    ? "unable to get repository storage: found existing data in storage location"
    : `cannot initialize repository: ${errorMessage(error)}`;
  return new CommandError(phrase, { cause: error });
}
