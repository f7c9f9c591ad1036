import { errorMessage, isKopiaError, type Repository } from "@kopia-engine/kopia-format";
import { runMaintenance } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../command-context.ts";
import { CommandError } from "../command-error.ts";
import { maintenanceSettings } from "./maintenance-options.ts";

/**
 * Maintains after a command that changed snapshots, when the schedule says so (spec 3 §1.16). That somebody else
 * is to do it is told and no failure; any other failure makes the command fail, although what it did is stored.
 * @throws CommandError with what went wrong.
 */
export async function maintainAfterwards(
  context: CommandContext,
  repository: Repository,
): Promise<void> {
  if (!context.globals.autoMaintenance || context.io.signal.aborted) return;
  if (repository.client.readOnly || repository.storage.readOnly) return;
  context.io.endOnInterrupt?.();
  try {
    await repository.refresh();
    await runMaintenance({ ...maintenanceSettings(context), repository, mode: "auto" });
  } catch (error) {
    if (isKopiaError(error, "MAINTENANCE_NOT_OWNED")) {
      context.log.debug(`not running maintenance here: ${error.message}`);
      tellOwner(context, repository, String(error.details["owner"] ?? ""));
      return;
    }
    throw new CommandError(
      `running auto-maintenance: error running maintenance: ${errorMessage(error)}`,
      { cause: error },
    );
  }
}

/** Kopia says nothing here, and repositories grow for years (spec 3 §11 no. 4). */
function tellOwner(context: CommandContext, { client }: Repository, owner: string): void {
  const self = `${client.username}@${client.hostname}`;
  context.log.info(
    owner === ""
      ? `Maintenance has no owner, so that nobody runs it: kopia maintenance set --owner=me makes it ${self}.`
      : `Maintenance is left to ${owner}; this client is ${self}.`,
  );
}
