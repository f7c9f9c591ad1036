import {
  NS_PER_SECOND,
  formatGoDuration,
  formatGoTime,
  goStringify,
  type JsonInput,
  type MaintenanceSchedule,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import {
  effectiveLogRetention,
  encodeMaintenanceParameters,
  getMaintenanceParameters,
  loadSchedule,
  type MaintenanceCycle,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { describeRun } from "./describe-run.ts";

/** `maintenance info` (spec 3 §6.11). Movers read the line that starts with `Owner: `. */
export const command = defineCommand({
  flags: jsonFlags,
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const parameters = await getMaintenanceParameters(repository.manifests);
      const schedule = await loadSchedule(repository);
      if (flags.json) {
        const open = encodeMaintenanceParameters(parameters).slice(0, -1);
        const text = `${open},"schedule":${scheduleJson(schedule)}}`;
        printJsonObject(context.out, text, { indent: flags.jsonIndent });
        return;
      }
      context.out.line(`Owner: ${parameters.owner}`);
      const print = (name: string, cycle: MaintenanceCycle, next: TimeNs): void => {
        context.out.line(`${name} Cycle:`);
        context.out.line(`  scheduled: ${cycle.enabled}`);
        if (!cycle.enabled) return;
        context.out.line(`  interval: ${formatGoDuration(BigInt(cycle.intervalNs))}`);
        context.out.line(`  next run: ${nextRun(context, next, repository.clock.now())}`);
      };
      print("Quick", parameters.quick, schedule.nextQuickMaintenance);
      print("Full", parameters.full, schedule.nextFullMaintenance);
      const { maxCount, maxAgeNs, maxTotalSizeBytes } = effectiveLogRetention(parameters);
      context.out.line("Log Retention:");
      context.out.line(`  max count:       ${maxCount}`);
      context.out.line(`  max age of logs: ${formatGoDuration(BigInt(maxAgeNs))}`);
      context.out.line(`  max total size:  ${context.formatBytes(maxTotalSizeBytes)}`);
      const locks = parameters.extendObjectLocks ? "enabled" : "disabled";
      context.out.line(`Object Lock Extension: ${locks}`);
      if (parameters.listParallelism !== 0) {
        context.out.line(`List parallelism: ${parameters.listParallelism}`);
      }
      printRuns(context, schedule);
    });
  },
});

function nextRun(context: CommandContext, next: TimeNs, now: TimeNs): string {
  if (next <= now) return "now";
  const seconds = ((next - now) / NS_PER_SECOND) * NS_PER_SECOND;
  return `${timestamp(context, next)} (in ${formatGoDuration(seconds)})`;
}

function printRuns(context: CommandContext, { runs }: MaintenanceSchedule): void {
  context.out.line("Recent Maintenance Runs:");
  for (const [task, list] of sorted(runs)) {
    context.out.line(`  ${task}:`);
    for (const run of list) {
      const took = formatGoDuration(((run.end - run.start) / NS_PER_SECOND) * NS_PER_SECOND);
      const outcome = describeRun(run, context.formatBytes);
      context.out.line(`    ${timestamp(context, run.start)} (${took}) ${outcome}`);
    }
  }
}

function scheduleJson(schedule: MaintenanceSchedule): string {
  const runs = new Map<string, JsonInput>();
  for (const [task, list] of sorted(schedule.runs)) {
    const entries = list.map(({ start, end, success, error, extra }) => ({
      start: formatGoTime(start),
      end: formatGoTime(end),
      success: success || undefined,
      error: error || undefined,
      extra: extra.length === 0 ? undefined : extra,
    }));
    runs.set(task, entries);
  }
  return goStringify({
    nextFullMaintenance: formatGoTime(schedule.nextFullMaintenance),
    nextQuickMaintenance: formatGoTime(schedule.nextQuickMaintenance),
    runs: runs.size === 0 ? null : runs,
  });
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
