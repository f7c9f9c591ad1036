import {
  errorMessage,
  executeBlobCopy,
  isKopiaError,
  openStorage,
  planBlobCopy,
  prepareDestination,
  type BlobCopyPlan,
  type BlobMetadata,
  type BlobStorage,
  type BlobTotal,
  type StorageConfig,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { booleanFlag, integerFlag, type FlagValues } from "../../parser/flag.ts";
import { storagePhrase } from "../../session/kopia-phrases.ts";
import { withRepository } from "../../session/open-session.ts";

/** Flags of everything that copies the repository (spec 3 §6.10). */
export const syncFlags = {
  update: booleanFlag("update", {
    help: "Copy blobs again that are newer here, or of another length",
    default: true,
  }),
  delete: booleanFlag("delete", { help: "Delete blobs that are not here" }),
  dryRun: booleanFlag("dry-run", { short: "n", help: "Copy and delete nothing" }),
  parallel: integerFlag("parallel", { help: "Blobs copied at once", default: 1 }),
  mustExist: booleanFlag("must-exist", { help: "Fail unless there is a copy already" }),
  times: booleanFlag("times", { help: "Keep the times of blobs" }),
};

/** Values of `syncFlags`. */
type SyncFlagValues = FlagValues<typeof syncFlags>;

/** Copies the connected repository's blobs to another storage. @throws CommandError. */
export async function syncToStorage(
  context: CommandContext,
  config: StorageConfig,
  flags: SyncFlagValues,
): Promise<void> {
  const destination = await openDestination(config);
  try {
    await withRepository(context, ({ storage }) => sync(context, { storage, destination }, flags));
  } finally {
    await destination.close();
  }
}

async function openDestination(config: StorageConfig): Promise<BlobStorage> {
  try {
    return await openStorage(config);
  } catch (error) {
    const reason =
      isKopiaError(error) && error.code === "STORAGE_UNAVAILABLE"
        ? storagePhrase(error)
        : errorMessage(error);
    throw new CommandError(`can't connect to storage: ${reason}`, { cause: error });
  }
}

async function sync(
  context: CommandContext,
  where: { readonly storage: BlobStorage; readonly destination: BlobStorage },
  flags: SyncFlagValues,
): Promise<void> {
  const { log, formatBytes } = context;
  const { storage: source, destination } = where;
  const ends = { source, destination };
  log.info("Synchronizing repositories:");
  log.info(`  Source:      ${source.displayName}`);
  log.info(`  Destination: ${destination.displayName}`);
  if (!flags.delete) log.info("NOTE: By default no BLOBs are deleted, pass --delete to allow it.");
  await prepare(ends, flags);
  log.info("Looking for BLOBs to synchronize...");
  const shown = ({ count, bytes }: BlobTotal, what: string): string =>
    `${count} ${what}(${formatBytes(bytes)})`;
  const plan = await planBlobCopy(ends, {
    update: flags.update,
    delete: flags.delete,
    onProgress: (place, found, toCopy) =>
      log.progress(
        place === "destination"
          ? `  Found ${shown(found, "BLOBs in the destination repository ")}`
          : `  Found ${shown(found, "BLOBs ")} in the source repository, ${shown(toCopy, "")} to copy`,
      ),
  });
  log.endProgress();
  const deleted = total(plan.toDelete);
  log.info(
    `  Found ${shown(deleted, "BLOBs to delete ")}, ${plan.inSync.count} in sync (${formatBytes(plan.inSync.bytes)})`,
  );
  if (flags.dryRun) {
    tellDryRun(context, plan);
    return;
  }
  log.info("Copying...");
  const result = await executeBlobCopy(ends, plan, {
    parallel: flags.parallel,
    preserveTimes: flags.times,
    signal: context.io.signal,
    onCopied: (copied) => log.progress(`  Copied ${shown(copied, "blobs ")}`),
  });
  log.endProgress();
  if (result.vanishedCount > 0)
    log.info(`${result.vanishedCount} BLOBs were deleted here meanwhile and left out.`);
}

async function prepare(
  ends: { readonly source: BlobStorage; readonly destination: BlobStorage },
  flags: SyncFlagValues,
): Promise<void> {
  try {
    await prepareDestination(ends, { mustExist: flags.mustExist, mayWrite: !flags.dryRun });
  } catch (error) {
    const phrase = isKopiaError(error, "REPOSITORY_NOT_FOUND")
      ? "destination repository does not have a format blob"
      : isKopiaError(error, "REPOSITORY_FOREIGN_DATA")
        ? "destination repository contains incompatible data"
        : errorMessage(error);
    throw new CommandError(phrase, { cause: error });
  }
}

/** Kopia keeps to itself what it would copy. */
function tellDryRun({ log, formatBytes }: CommandContext, plan: BlobCopyPlan): void {
  const { count, bytes } = total(plan.toCopy);
  if (count > 0) log.info(`  Would copy ${count} BLOBs (${formatBytes(bytes)})`);
}

function total(blobs: readonly BlobMetadata[]): BlobTotal {
  return {
    count: blobs.length,
    bytes: blobs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0),
  };
}
