import {
  getMaintenanceParameters,
  loadSchedule,
  saveSchedule,
  setMaintenanceParameters,
  type MaintenanceCycle,
  type MaintenanceParameters,
} from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { durationFlag, optionalBooleanFlag, textFlag } from "../../parser/flag.ts";
import { withWriteSession } from "../../session/open-session.ts";

/** `maintenance set` (spec 3 §6): nothing to change is an error (trap T-23). */
export const command = defineCommand({
  flags: {
    owner: textFlag("owner", { help: "user@host that runs maintenance, or me" }),
    enableQuick: optionalBooleanFlag("enable-quick", { help: "Quick maintenance" }),
    enableFull: optionalBooleanFlag("enable-full", { help: "Full maintenance" }),
    quickInterval: durationFlag("quick-interval", { help: "Time between quick runs" }),
    fullInterval: durationFlag("full-interval", { help: "Time between full runs" }),
    pauseQuick: durationFlag("pause-quick", { help: "No quick run for so long from now" }),
    pauseFull: durationFlag("pause-full", { help: "No full run for so long from now" }),
  },
  arguments: {},
  async run(context, { flags }) {
    await withWriteSession(context, async ({ manifests, repository }) => {
      const before = await getMaintenanceParameters(manifests);
      const { username, hostname } = repository.client;
      const owner = flags.owner === "me" ? `${username}@${hostname}` : flags.owner;
      const after: MaintenanceParameters = {
        ...before,
        owner: owner ?? before.owner,
        quick: changeCycle(before.quick, flags.enableQuick, flags.quickInterval),
        full: changeCycle(before.full, flags.enableFull, flags.fullInterval),
      };
      const { owner: _, pauseQuick, pauseFull, ...rest } = flags;
      const isPause = pauseQuick !== undefined || pauseFull !== undefined;
      const isChange =
        owner !== undefined || Object.values(rest).some((value) => value !== undefined);
      if (!isChange && !isPause) throw new CommandError("no changes specified");
      if (isChange) await setMaintenanceParameters(manifests, after);
      if (!isPause) return;
      const schedule = await loadSchedule(repository);
      const now = repository.clock.now();
      await saveSchedule(repository, {
        ...schedule,
        ...(pauseQuick !== undefined && { nextQuickMaintenance: now + BigInt(pauseQuick) }),
        ...(pauseFull !== undefined && { nextFullMaintenance: now + BigInt(pauseFull) }),
      });
    });
  },
});

function changeCycle(
  before: MaintenanceCycle,
  enabled: boolean | undefined,
  intervalNs: number | undefined,
): MaintenanceCycle {
  return { enabled: enabled ?? before.enabled, intervalNs: intervalNs ?? before.intervalNs };
}
