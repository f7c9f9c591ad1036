import type { WriteSession } from "@kopia-engine/kopia-format";
import {
  deleteSnapshot,
  findSnapshotsById,
  formatSource,
  listSnapshots,
  type SnapshotManifest,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { maintainAfterwards } from "../../session/auto-maintenance.ts";
import { objectIdProblem } from "../../session/id-phrases.ts";
import { IN_WRITE_SESSION, withWriteSession } from "../../session/open-session.ts";
import { sourceArgument } from "../../session/source-argument.ts";

/** `snapshot delete` (spec 2 §9.4): without `--delete` it only says what would go. */
export const command = defineCommand({
  flags: {
    allForSource: booleanFlag("all-snapshots-for-source", {
      help: "The arguments are sources: delete all their snapshots",
    }),
    delete: booleanFlag("delete", { help: "Really delete" }),
  },
  arguments: {
    ids: remainingArguments("id", "Manifest IDs or root object IDs", { required: true }),
  },
  async run(context, { flags, arguments: { ids } }) {
    await withWriteSession(
      context,
      async (session) => {
        for (const id of ids) {
          const snapshots = flags.allForSource
            ? await snapshotsOfSource(context, session, id)
            : await snapshotsById(session, id);
          for (const snapshot of snapshots)
            await deleteOne(context, session, { snapshot, isConfirmed: flags.delete });
        }
      },
      { errorPrefix: IN_WRITE_SESSION, afterwards: maintainAfterwards, onlyTells: !flags.delete },
    );
  },
});

async function deleteOne(
  context: CommandContext,
  session: WriteSession,
  { snapshot, isConfirmed }: { readonly snapshot: SnapshotManifest; readonly isConfirmed: boolean },
): Promise<void> {
  const what = `snapshot ${snapshot.id} of ${formatSource(snapshot.source)} at ${timestamp(context, snapshot.startTime)}`;
  if (!isConfirmed) {
    context.log.info(`Would delete ${what} (pass --delete to confirm)`);
    return;
  }
  context.log.info(`Deleting ${what}...`);
  await deleteSnapshot(session.manifests, snapshot.id);
}

async function snapshotsById(
  session: WriteSession,
  id: string,
): Promise<readonly SnapshotManifest[]> {
  const found = await findSnapshotsById(session.manifests, id);
  if (found.length > 0) return found;
  const problem = objectIdProblem(id);
  const reason =
    problem === undefined ? `no snapshots matched ${id}` : `invalid object ID: ${problem}`;
  throw new CommandError(`error deleting snapshots by root ID ${id}: ${reason}`);
}

async function snapshotsOfSource(
  context: CommandContext,
  session: WriteSession,
  text: string,
): Promise<readonly SnapshotManifest[]> {
  const source = sourceArgument(context, session.repository, text);
  const found = await listSnapshots(session.manifests, { source });
  if (found.length === 0) throw new CommandError(`no snapshots for source ${formatSource(source)}`);
  return found;
}
