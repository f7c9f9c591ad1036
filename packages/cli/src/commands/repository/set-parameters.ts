import {
  changeFormat,
  errorMessage,
  formatGoDuration,
  isKopiaError,
  loadRepositoryFormat,
  upgradeWithoutLock,
  type FormatChange,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { bytesFormatter } from "../../output/sizes.ts";
import { defineCommand } from "../../parser/command.ts";
import {
  booleanFlag,
  choiceFlag,
  durationFlag,
  integerFlag,
  type FlagValues,
} from "../../parser/flag.ts";
import { withFormatAccess, type FormatAccess } from "../../session/format-access.ts";

const MIB = 2 ** 20;
const DONE =
  "NOTE: Repository parameters updated, you must disconnect and re-connect all other Kopia clients.";

const flags = {
  maxPackSizeMb: integerFlag("max-pack-size-mb", { help: "Size of packs", placeholder: "MB" }),
  indexVersion: integerFlag("index-version", { help: "Version of new index blobs: 1 or 2" }),
  retentionMode: choiceFlag("retention-mode", {
    help: "Mode of object locks",
    choices: ["none", "GOVERNANCE", "COMPLIANCE"],
  }),
  retentionPeriod: durationFlag("retention-period", { help: "Period of object locks" }),
  upgrade: booleanFlag("upgrade", {
    help: "Upgrade the index to epochs; for a repository that no other client uses meanwhile",
  }),
  epochRefreshFrequency: durationFlag("epoch-refresh-frequency", {
    help: "How often clients look for a new epoch",
  }),
  epochMinDuration: durationFlag("epoch-min-duration", { help: "Shortest epoch" }),
  epochCleanupSafetyMargin: durationFlag("epoch-cleanup-safety-margin", {
    help: "How long superseded index blobs stay",
  }),
  epochAdvanceOnCount: integerFlag("epoch-advance-on-count", {
    help: "Index blobs that end an epoch",
  }),
  epochAdvanceOnSizeMb: integerFlag("epoch-advance-on-size-mb", {
    help: "Size of index blobs that ends an epoch",
  }),
  epochDeleteParallelism: integerFlag("epoch-delete-parallelism", {
    help: "Index blobs deleted at once",
  }),
  epochCheckpointFrequency: integerFlag("epoch-checkpoint-frequency", {
    help: "Epochs in one range compaction",
  }),
};

type Values = FlagValues<typeof flags>;

/** `repository set-parameters` (spec 3 §6.3). Other clients see the change within 15 minutes. */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, input) {
    await withFormatAccess(context, async ({ storage, access }) => {
      try {
        if (input.flags.upgrade) await upgrade(context, { storage, access });
        const format = await loadRepositoryFormat(storage, access.password, access);
        const change = changeOf(context, input.flags, format);
        const hasChange = Object.keys(change).length > 0;
        if (hasChange) await changeFormat(storage, access, change);
        context.log.info(hasChange || input.flags.upgrade ? DONE : "no changes");
      } catch (error) {
        if (!isKopiaError(error)) throw error;
        throw new CommandError(
          `error updating repository parameters: error setting parameters: ${errorMessage(error)}`,
          { cause: error },
        );
      }
    });
  },
});

/** The older index scheme becomes epochs. Unlike `repository upgrade` nothing makes other clients stop. */
async function upgrade(context: CommandContext, { storage, access }: FormatAccess): Promise<void> {
  let migrates = false;
  const contentCount = await upgradeWithoutLock(storage, {
    ...access,
    onEvent: ({ kind }) => {
      if (kind !== "migrating") return;
      migrates = true;
      context.log.info("migrating current indexes to epoch format");
    },
  });
  if (migrates) {
    context.log.warning(
      "Other clients may go on in the old format for 15 minutes. What they write then is found again by `repository set-parameters --upgrade`, called once more.",
    );
  } else if (contentCount > 0) {
    context.log.info(`brought in ${contentCount} index blobs that were written in the old format`);
  }
}

function changeOf(
  context: CommandContext,
  values: Values,
  { content, blobRetention }: RepositoryFormat,
): FormatChange {
  const { log } = context;
  const change: { -readonly [K in keyof FormatChange]: FormatChange[K] } = {};
  if (values.maxPackSizeMb) {
    change.maxPackSizeBytes = values.maxPackSizeMb * MIB;
    const size = bytesFormatter(context.io.env)(change.maxPackSizeBytes);
    log.info(` - setting maximum pack size to ${size}.\n`);
  }
  const { indexVersion = 0, retentionMode, retentionPeriod = 0 } = values;
  if (indexVersion !== 0 && indexVersion < content.indexVersion) {
    throw new CommandError("index format version can only be upgraded");
  }
  if (indexVersion > content.indexVersion) {
    change.indexVersion = indexVersion;
    log.info(` - setting index format version to ${indexVersion}.\n`);
  }
  if (retentionMode === "none") {
    if (blobRetention.retentionMode !== undefined) {
      log.info(" - disabling blob retention.\n");
      change.blobRetention = {};
    }
  } else if (retentionMode !== undefined || retentionPeriod !== 0) {
    change.blobRetention = {
      ...blobRetention,
      ...(retentionMode !== undefined && { retentionMode }),
      ...(retentionPeriod !== 0 && { retentionPeriodNs: retentionPeriod }),
    };
    if (retentionMode !== undefined)
      log.info(` - setting storage backend blob retention mode to ${retentionMode}.\n`);
    if (retentionPeriod !== 0)
      log.info(
        ` - setting storage backend blob retention period to ${formatGoDuration(BigInt(retentionPeriod))}.\n`,
      );
  }
  const epochs = epochChange(context, values);
  if (Object.keys(epochs).length > 0)
    change.epochParameters = { ...content.epochParameters, ...epochs };
  return change;
}

type EpochChange = Partial<NonNullable<FormatChange["epochParameters"]>>;

function epochChange(context: CommandContext, values: Values): EpochChange {
  const { log } = context;
  const duration = (label: string, valueNs: number): number => {
    log.info(` - setting ${label} to ${formatGoDuration(BigInt(valueNs))}.\n`);
    return valueNs;
  };
  const count = (label: string, value: number): number => {
    log.info(` - setting ${label} to ${value}.\n`);
    return value;
  };
  const change: { -readonly [K in keyof EpochChange]: EpochChange[K] } = {};
  if (values.epochMinDuration)
    change.minEpochDurationNs = duration("minimum epoch duration", values.epochMinDuration);
  if (values.epochRefreshFrequency)
    change.epochRefreshFrequencyNs = duration(
      "epoch refresh frequency",
      values.epochRefreshFrequency,
    );
  if (values.epochCleanupSafetyMargin)
    change.cleanupSafetyMarginNs = duration(
      "epoch cleanup safety margin",
      values.epochCleanupSafetyMargin,
    );
  if (values.epochAdvanceOnCount)
    change.epochAdvanceOnCountThreshold = count(
      "epoch advance on count",
      values.epochAdvanceOnCount,
    );
  if (values.epochAdvanceOnSizeMb) {
    const bytes = values.epochAdvanceOnSizeMb * MIB;
    change.epochAdvanceOnTotalSizeBytesThreshold = bytes;
    const size = bytesFormatter(context.io.env)(bytes);
    log.info(` - setting epoch advance on total size to ${size}.\n`);
  }
  if (values.epochDeleteParallelism)
    change.deleteParallelism = count("epoch delete parallelism", values.epochDeleteParallelism);
  if (values.epochCheckpointFrequency)
    change.fullCheckpointFrequency = count(
      "epoch range-compaction period",
      values.epochCheckpointFrequency,
    );
  return change;
}
