import {
  errorMessage,
  formatGoDuration,
  isDrainInterrupted,
  isKopiaError,
  upgradeRepository,
  type UpgradeEvent,
  NS_PER_SECOND,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../../command-context.ts";
import { CommandError } from "../../../command-error.ts";
import { defineCommand } from "../../../parser/command.ts";
import { booleanFlag, choiceFlag, durationFlag, type FlagValues } from "../../../parser/flag.ts";
import { withFormatAccess } from "../../../session/format-access.ts";
import { upgradeOwnerId } from "../../../session/upgrade-waiting.ts";
import { requireUpgradeGate } from "./upgrade-gate.ts";

const flags = {
  ioDrainTimeout: durationFlag("io-drain-timeout", {
    help: "How long all other clients may need to stop",
    default: "15m0s",
  }),
  allowUnsafeUpgrade: booleanFlag("allow-unsafe-upgrade", {
    help: "Allow a drain below 15 minutes: clients that did not notice may lose what they write",
    hidden: true,
  }),
  statusPollInterval: durationFlag("status-poll-interval", {
    help: "How often waiting clients look again",
    default: "60s",
  }),
  maxPermittedClockDrift: durationFlag("max-permitted-clock-drift", {
    help: "How far the clocks of clients and repository may differ",
    default: "5m0s",
  }),
  lockOnly: booleanFlag("lock-only", {
    help: "Set the lock, and upgrade with a later call",
    hidden: true,
  }),
  commitMode: choiceFlag("commit-mode", {
    help: "never: leave the end out, so that the upgrade can still be rolled back",
    choices: ["always", "never"],
    default: "always",
    hidden: true,
  }),
};

/** `repository upgrade begin`: to the latest format, behind a lock at which all other clients stop (spec 1 §2.6). */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, input) {
    requireUpgradeGate(context);
    const ownerId = upgradeOwnerId(context);
    await withFormatAccess(context, async ({ storage, access }) => {
      try {
        await upgradeRepository(storage, {
          ...access,
          ...upgradeOptions(input.flags),
          ownerId,
          signal: context.io.signal,
          onEvent: (event) => report(context, event),
        });
      } catch (error) {
        throw upgradeError(context, error);
      }
    });
  },
});

function upgradeOptions(values: FlagValues<typeof flags>) {
  return {
    ioDrainTimeoutNs: values.ioDrainTimeout,
    statusPollIntervalNs: values.statusPollInterval,
    maxPermittedClockDriftNs: values.maxPermittedClockDrift,
    allowUnsafe: values.allowUnsafeUpgrade,
    lockOnly: values.lockOnly,
    commit: values.commitMode !== "never",
  };
}

function report(context: CommandContext, event: UpgradeEvent): void {
  context.log.info(eventText(event));
}

/** What Kopia says at each step. */
function eventText(event: UpgradeEvent): string {
  switch (event.kind) {
    case "upToDate":
      return "Repository format is already upto date.";
    case "lockPlaced":
      return "Repository upgrade lock intent has been placed.";
    case "draining": {
      const seconds = roundToSeconds(event.remainingNs);
      return `Waiting for ${formatGoDuration(seconds * NS_PER_SECOND)} to allow all other kopia clients to drain ...`;
    }
    case "drained":
      return "Successfully drained all repository clients, the lock has been fully-established now.";
    case "epochsInUse":
      return "Repository indices have already been migrated to the epoch format, no need to drain other clients";
    case "migrating":
      return "migrating current indices to epoch format";
    case "migrated":
      return "Repository indices have been upgraded.";
    case "validated":
      return event.comparison.oldBlobCount === 0
        ? "old index is empty (possibly due to upgrade), nothing to compare against"
        : "index validation succeeded";
    case "notCommitted":
      return "Commit mode is set to 'never'.  Skipping commit.";
    case "committed":
      return "Repository has been successfully upgraded.";
  }
}

function roundToSeconds(ns: bigint): bigint {
  const half = ns < 0n ? -NS_PER_SECOND / 2n : NS_PER_SECOND / 2n;
  return (ns + half) / NS_PER_SECOND;
}

function upgradeError(context: CommandContext, error: unknown): unknown {
  if (isDrainInterrupted(error, context.io.signal)) {
    const text =
      "failed to upgrade the repository, lock is not released: upgrade drain interrupted";
    return new CommandError(text, { cause: error });
  }
  if (!isKopiaError(error, "FORMAT_INVALID_PARAMETER")) {
    const text = `failed to upgrade the repository, lock is not released: ${errorMessage(error)}`;
    return new CommandError(text, { cause: error });
  }
  const { message } = error;
  const phrase = message.startsWith("invalid upgrade lock")
    ? `error setting the upgrade lock intent: ${message}`
    : message;
  return new CommandError(phrase, { cause: error });
}
