import {
  type JsonInput,
  type Repository,
  goStringify,
  localTimeZone,
} from "@kopia-engine/kopia-format";
import {
  computeRetention,
  getEffectivePolicy,
  groupBySource,
  listSnapshots,
  snapshotToJson,
  type SnapshotManifest,
  type Source,
  type SourceSnapshots,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { JsonListWriter } from "../../output/json-output.ts";
import { defineCommand, optionalArgument } from "../../parser/command.ts";
import { withRepository } from "../../session/open-session.ts";
import { sourceArgument } from "../../session/source-argument.ts";
import { tagArguments } from "../../session/tag-argument.ts";
import { listFlags, type ListFlagValues } from "./list-flags.ts";
import { printSnapshotGroups } from "./list-text.ts";
import { StorageStatsCounter, storageStatsJson } from "./storage-stats.ts";

/** `snapshot list` (spec 2 §9.3, spec 3 §6.6). JSON shows everything, text only this user and host. */
export const command = defineCommand({
  flags: listFlags,
  arguments: { source: optionalArgument("source", "Path or user@host:path") },
  async run(context, { flags, arguments: { source } }) {
    const tags = tagArguments(flags.tags);
    await withRepository(context, async (repository) => {
      const wanted =
        source === undefined
          ? undefined
          : sourceArgument(
              context,
              repository,
              source,
              (problem) => `invalid directory: '${source}': ${problem}`,
            );
      const found = await listSnapshots(
        repository.manifests,
        {
          tags,
          ...(wanted === undefined
            ? {}
            : { source: { userName: wanted.userName, host: wanted.host } }),
        },
        (id, error) => context.log.warning(`snapshot manifest ${id} skipped: ${error.message}`),
      );
      const groups = groupBySource(
        wanted === undefined ? found : found.filter((snapshot) => contains(snapshot, wanted)),
      );
      if (flags.json) await printJson(context, { repository, groups, flags });
      else await printSnapshotGroups(context, { repository, groups, flags, wanted });
    });
  },
});

/** Whether a snapshot is of that path or of one of its parents. */
function contains({ source }: SnapshotManifest, wanted: Source): boolean {
  if (source.path === wanted.path) return wanted.path !== "";
  return wanted.path.startsWith(source.path === "/" ? "/" : `${source.path}/`);
}

async function printJson(
  context: CommandContext,
  input: {
    readonly repository: Repository;
    readonly groups: readonly SourceSnapshots[];
    readonly flags: ListFlagValues;
  },
): Promise<void> {
  const { repository, flags } = input;
  const list = new JsonListWriter(context.out, { indent: flags.jsonIndent });
  for (const group of input.groups) {
    const snapshots = lastOf(inOrder(group.snapshots, flags.reverse), flags.maxResults);
    const reasons = await retentionReasons(repository, { ...group, snapshots });
    const counter = flags.storageStats ? new StorageStatsCounter(repository) : undefined;
    for (const [index, snapshot] of snapshots.entries()) {
      const { pins, ...fields } = snapshotToJson(snapshot, { withStats: true });
      const stats =
        counter === undefined || snapshot.rootEntry === undefined
          ? undefined
          : storageStatsJson(await counter.add(snapshot.rootEntry));
      const retentionReason = flags.retention ? (reasons[index] ?? []) : [];
      const item: Record<string, JsonInput | undefined> = { ...fields };
      if (stats !== undefined) item["storageStats"] = stats;
      if (pins !== undefined) item["pins"] = pins;
      if (retentionReason.length > 0) item["retentionReason"] = retentionReason;
      await list.add(goStringify(item));
    }
  }
  list.end();
}

/** Reasons at the places of the snapshots, by the effective policy of the source. */
async function retentionReasons(
  repository: Repository,
  group: SourceSnapshots,
): Promise<readonly (readonly string[])[]> {
  const { policy } = await getEffectivePolicy(repository.manifests, group.source);
  return computeRetention(group.snapshots, policy.retention, localTimeZone());
}

/** Oldest first unless reversed. */
function inOrder<T>(items: readonly T[], reverse: boolean): readonly T[] {
  return reverse ? items.toReversed() : items;
}

/** The last `count` items; all for no count and for 0. */
function lastOf<T>(items: readonly T[], count: number | undefined): readonly T[] {
  return count === undefined || count <= 0 ? items : items.slice(-count);
}
