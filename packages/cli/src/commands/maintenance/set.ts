import { formatGoDuration } from "@kopia-engine/kopia-format";
import {
  getMaintenanceParameters,
  loadSchedule,
  saveSchedule,
  setMaintenanceParameters,
  type MaintenanceParameters,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import {
  countFlag,
  durationFlag,
  integerFlag,
  textFlag,
  type FlagValues,
} from "../../parser/flag.ts";
import { parseBoolean } from "../../parser/values.ts";
import { withWriteSession } from "../../session/open-session.ts";

const PAUSED = "maintenance paused until";
const BYTES_PER_MIB = 2 ** 20;
/** Object locks must outlast the time between two extensions by this much (spec 3 §1.11). */
const MIN_LOCK_MARGIN_NS = 24 * 3_600_000_000_000;

const flags = {
  owner: textFlag("owner", { help: "user@host that runs maintenance, or me" }),
  // With a value, unlike other switches: that is how Kopia takes them.
  enableQuick: textFlag("enable-quick", { help: "Quick maintenance: true or false" }),
  enableFull: textFlag("enable-full", { help: "Full maintenance: true or false" }),
  quickInterval: durationFlag("quick-interval", { help: "Time between quick runs" }),
  fullInterval: durationFlag("full-interval", { help: "Time between full runs" }),
  pauseQuick: durationFlag("pause-quick", { help: "No quick run for so long from now" }),
  pauseFull: durationFlag("pause-full", { help: "No full run for so long from now" }),
  maxLogCount: countFlag("max-retained-log-count", { help: "Most logs that are kept" }),
  maxLogAge: durationFlag("max-retained-log-age", { help: "Logs are kept so long" }),
  maxLogSizeMb: integerFlag("max-retained-log-size-mb", { help: "All logs together, in MiB" }),
  extendObjectLocks: textFlag("extend-object-locks", {
    help: "Extend object locks in full maintenance: true or false",
  }),
  listParallelism: countFlag("list-parallelism", { help: "Listings at once; 0: the default" }),
};

type Values = FlagValues<typeof flags>;

/** A change of the parameters and what is said about it. */
interface Change {
  readonly parameters: MaintenanceParameters;
  readonly messages: readonly string[];
}

/** `maintenance set` (spec 3 §6): nothing to change is an error (trap T-23). */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, { flags }) {
    await withWriteSession(context, async ({ manifests, repository }) => {
      const before = await getMaintenanceParameters(manifests);
      const { username, hostname } = repository.client;
      const change = changeParameters(context, {
        before,
        flags,
        self: `${username}@${hostname}`,
      });
      const { pauseQuick, pauseFull } = flags;
      const isPause = pauseQuick !== undefined || pauseFull !== undefined;
      if (change.messages.length === 0 && !isPause) throw new CommandError("no changes specified");
      const { retentionPeriodNs } = repository.format.blobRetention;
      assertLocksOutlast(change.parameters, retentionPeriodNs);
      const pauses: string[] = [];
      if (isPause) {
        const now = repository.clock.now();
        const quick = pauseQuick === undefined ? undefined : now + BigInt(pauseQuick);
        const full = pauseFull === undefined ? undefined : now + BigInt(pauseFull);
        const schedule = await loadSchedule(repository);
        await saveSchedule(repository, {
          ...schedule,
          nextQuickMaintenance: quick ?? schedule.nextQuickMaintenance,
          nextFullMaintenance: full ?? schedule.nextFullMaintenance,
        });
        if (quick !== undefined) pauses.push(`Quick ${PAUSED} ${timestamp(context, quick)}`);
        if (full !== undefined) pauses.push(`Full ${PAUSED} ${timestamp(context, full)}`);
      }
      for (const message of [...change.messages, ...pauses]) context.log.info(message);
      if (change.messages.length > 0) await setMaintenanceParameters(manifests, change.parameters);
    });
  },
});

function changeParameters(
  context: CommandContext,
  input: {
    readonly before: MaintenanceParameters;
    readonly flags: Values;
    readonly self: string;
  },
): Change {
  const { flags } = input;
  let parameters = input.before;
  const messages: string[] = [];
  const change = (changed: Partial<MaintenanceParameters>, message: string): void => {
    parameters = { ...parameters, ...changed };
    messages.push(message);
  };
  if (flags.owner !== undefined) {
    const owner = flags.owner === "me" ? input.self : flags.owner;
    change({ owner }, `Setting maintenance owner to ${owner}`);
  }
  for (const name of ["quick", "full"] as const) {
    const text = name === "quick" ? flags.enableQuick : flags.enableFull;
    if (text !== undefined) {
      const enabled = parseBoolean(text);
      const word = enabled ? "enabled" : "disabled";
      const cycle = { ...parameters[name], enabled };
      change({ [name]: cycle }, `Periodic ${name} maintenance ${word}.`);
    }
    const intervalNs = name === "quick" ? flags.quickInterval : flags.fullInterval;
    if (intervalNs === undefined) continue;
    const cycle = { ...parameters[name], intervalNs };
    const interval = formatGoDuration(BigInt(intervalNs));
    change({ [name]: cycle }, `Interval for ${name} maintenance set to ${interval}.`);
  }
  changeLogRetention(context, { flags, change, current: () => parameters });
  const { listParallelism } = flags;
  if (listParallelism !== undefined) {
    change({ listParallelism }, `Setting list parallelism to ${listParallelism}.`);
  }
  if (flags.extendObjectLocks !== undefined) {
    const extendObjectLocks = parseBoolean(flags.extendObjectLocks);
    const word = extendObjectLocks ? "enabled" : "disabled";
    change({ extendObjectLocks }, `Object Lock extension maintenance ${word}.`);
    if (extendObjectLocks && !parameters.full.enabled) {
      messages.push("Object Lock extension will not function because Full-Maintenance is disabled");
    }
  }
  return { parameters, messages };
}

function changeLogRetention(
  { formatBytes }: CommandContext,
  input: {
    readonly flags: Values;
    readonly change: (changed: Partial<MaintenanceParameters>, message: string) => void;
    readonly current: () => MaintenanceParameters;
  },
): void {
  const { flags, change, current } = input;
  const { maxLogCount, maxLogAge, maxLogSizeMb } = flags;
  if (maxLogCount !== undefined) {
    const logRetention = { ...current().logRetention, maxCount: maxLogCount };
    change({ logRetention }, `Setting max retained log count to ${maxLogCount}.`);
  }
  if (maxLogAge !== undefined) {
    const logRetention = { ...current().logRetention, maxAgeNs: maxLogAge };
    const age = formatGoDuration(BigInt(maxLogAge));
    change({ logRetention }, `Setting max retained log age to ${age}.`);
  }
  if (maxLogSizeMb !== undefined) {
    const maxTotalSizeBytes = maxLogSizeMb * BYTES_PER_MIB;
    const logRetention = { ...current().logRetention, maxTotalSizeBytes };
    const size = formatBytes(maxTotalSizeBytes);
    change({ logRetention }, `Setting total retained log size to ${size}.`);
  }
}

function assertLocksOutlast(
  { extendObjectLocks, full }: MaintenanceParameters,
  retentionPeriodNs: number | undefined,
): void {
  if (!extendObjectLocks || retentionPeriodNs === undefined) return;
  if (retentionPeriodNs - full.intervalNs >= MIN_LOCK_MARGIN_NS) return;
  throw new CommandError(
    `object locks last ${formatGoDuration(BigInt(retentionPeriodNs))}, but are extended only every ` +
      `${formatGoDuration(BigInt(full.intervalNs))}: expected at least 24 hours more`,
  );
}
