import { isKopiaError, type WriteSession } from "@kopia-engine/kopia-format";
import {
  fixSnapshots,
  formatSource,
  listSnapshots,
  loadSnapshot,
  type FixedSnapshot,
  type RewriteRules,
  type SnapshotManifest,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../../command-context.ts";
import { timestamp } from "../../../output/timestamps.ts";
import {
  booleanFlag,
  choiceFlag,
  countFlag,
  listFlag,
  type FlagValues,
} from "../../../parser/flag.ts";
import { maintainAfterwards } from "../../../session/auto-maintenance.ts";
import { IN_WRITE_SESSION, withWriteSession } from "../../../session/open-session.ts";
import { sourceArgument } from "../../../session/source-argument.ts";

/** Flags of both ways to fix snapshots. */
export const fixFlags = {
  manifestIds: listFlag("manifest-id", { help: "Snapshots to fix, by manifest ID" }),
  sources: listFlag("source", { help: "Sources whose snapshots to fix" }),
  commit: booleanFlag("commit", { help: "Replace the snapshots; otherwise it is only shown" }),
  parallel: countFlag("parallel", { help: "Accepted, without effect" }),
  invalidDirectories: choiceFlag("invalid-directory-handling", {
    help: "What becomes of directories that cannot be read",
    choices: ["fail", "stub", "keep"],
    default: "stub",
  }),
};

/**
 * Runs a fix (spec 3 §3.3): without `--commit` nothing at all is written.
 * @param makeRules called with the open session.
 */
export async function runFix(
  context: CommandContext,
  flags: FlagValues<typeof fixFlags>,
  makeRules: (session: WriteSession) => Promise<RewriteRules>,
): Promise<void> {
  const { log, io } = context;
  const { commit } = flags;
  await withWriteSession(
    context,
    async (session) => {
      const rules = await makeRules(session);
      const fixedCount = await fixSnapshots({
        session,
        snapshots: await chosenSnapshots(context, session, flags),
        rules,
        commit,
        signal: io.signal,
        onSource: (source) => log.info(`Processing snapshot ${formatSource(source)}`),
        onSnapshot: (fixed) => describeFixed(context, fixed),
      });
      if (fixedCount === 0) log.info("No changes.");
      else if (commit) log.info(`Fixed and committed ${fixedCount} snapshots.`);
      else
        log.info(
          `Fixed ${fixedCount} snapshots, but snapshot manifests were not updated. Pass --commit to update snapshots.`,
        );
    },
    {
      errorPrefix: IN_WRITE_SESSION,
      dryRun: !commit,
      // The real program maintains after a dry run as well; nothing has changed then.
      ...(commit && { afterwards: maintainAfterwards }),
    },
  );
}

async function chosenSnapshots(
  context: CommandContext,
  { manifests, repository }: WriteSession,
  { manifestIds, sources }: FlagValues<typeof fixFlags>,
): Promise<readonly SnapshotManifest[]> {
  const { log } = context;
  const chosen: SnapshotManifest[] = [];
  for (const id of manifestIds) {
    try {
      chosen.push(await loadSnapshot(manifests, id));
    } catch (error) {
      if (!isKopiaError(error, "SNAPSHOT_NOT_FOUND")) throw error;
      log.error(`unable to parse snapshot manifest ${id}: snapshot not found`);
    }
  }
  for (const text of sources) {
    log.info(`Listing snapshots for source ${JSON.stringify(text)}...`);
    const source = sourceArgument(
      context,
      repository,
      text,
      (problem) => `unable to parse source: ${problem}`,
    );
    chosen.push(...(await listSnapshots(manifests, { source })));
  }
  if (manifestIds.length + sources.length > 0) return chosen;
  log.info("Listing all snapshots...");
  return listSnapshots(manifests);
}

function describeFixed(context: CommandContext, { before, after, isChanged }: FixedSnapshot): void {
  const { log, formatBytes } = context;
  const time = timestamp(context, before.startTime);
  if (!isChanged) {
    log.info(`  ${time} unchanged (${before.id})`);
    return;
  }
  log.info(`  ${time} replaced manifest from ${before.id} to ${after.id}`);
  log.info(`    diff ${before.rootEntry?.objectId ?? ""} ${after.rootEntry?.objectId ?? ""}`);
  const delta = sizeOf(after) - sizeOf(before);
  log.info(`    delta:${delta < 0n ? "-" : ""}${formatBytes(delta < 0n ? -delta : delta)}`);
}

function sizeOf({ rootEntry }: SnapshotManifest): bigint {
  return rootEntry?.summary?.totalFileSizeBytes ?? rootEntry?.sizeBytes ?? 0n;
}
