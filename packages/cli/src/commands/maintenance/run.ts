import { goStringify } from "@kopia-engine/kopia-format";
import {
  maintenancePlanToJson,
  planMaintenance,
  runMaintenance,
  type MaintenanceOptions,
  type MaintenancePlan,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { safetyFlag } from "../safety-flag.ts";
import { UsageError } from "../../parser/usage-error.ts";
import { maintenanceSettings } from "../../session/maintenance-options.ts";
import { withRepository } from "../../session/open-session.ts";

/** `maintenance run` (spec 3 §1.4, §1.16): whatever the schedule says. */
export const command = defineCommand({
  flags: {
    full: booleanFlag("full", { help: "Full maintenance" }),
    force: booleanFlag("force", { help: "Run it as another than the owner", hidden: true }),
    safety: safetyFlag,
    dryRun: booleanFlag("dry-run", { help: "Print the complete plan, change nothing" }),
    allowLargeDeletion: booleanFlag("allow-large-deletion", {
      help: "Allow this once what the breaker stops: see docs/MAINTENANCE.md",
    }),
    ...jsonFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    const { safety, full, force, dryRun, allowLargeDeletion } = flags;
    if (flags.json && !dryRun) throw new UsageError("--json is for --dry-run");
    const mode = full ? "full" : "quick";
    context.io.endOnInterrupt?.();
    const settings = maintenanceSettings(context);
    await withRepository(
      context,
      async (repository) => {
        const options: MaintenanceOptions = {
          ...settings,
          repository,
          mode,
          safety,
          force,
          isUncached: true,
        };
        if (!dryRun) {
          await runMaintenance({ ...options, allowLargeDeletion });
          return;
        }
        const { observer: _, ...quiet } = options;
        const plan = await planMaintenance({
          ...quiet,
          ...(allowLargeDeletion && { breaker: "off" }),
        });
        if (flags.json) {
          const text = goStringify(maintenancePlanToJson(plan));
          printJsonObject(context.out, text, { indent: flags.jsonIndent });
        } else printPlan(context, plan);
      },
      // A cache would hide what is wrong with the storage.
      { useCache: false },
    );
  },
});

function printPlan({ out, formatBytes }: CommandContext, plan: MaintenancePlan): void {
  out.line(`Plan of ${plan.mode} maintenance, safety ${plan.safety}. Nothing was changed.`);
  for (const { task, lines, deletes = [] } of plan.tasks) {
    out.line(`${task}:`);
    for (const line of lines) out.line(`  ${line}`);
    for (const { id, lengthBytes } of deletes) {
      out.line(`    delete ${id} (${formatBytes(lengthBytes)})`);
    }
  }
}
