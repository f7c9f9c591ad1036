import { findSnapshotsById, formatSource, pinSnapshot } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { listFlag } from "../../parser/flag.ts";
import { withWriteSession } from "../../session/open-session.ts";

/** `snapshot pin` (spec 2 §9.6): pinned snapshots are never expired. */
export const command = defineCommand({
  flags: {
    add: listFlag("add", { help: "Pins to add" }),
    remove: listFlag("remove", { help: "Pins to remove" }),
  },
  arguments: {
    ids: remainingArguments("id", "Manifest IDs or root object IDs", { required: true }),
  },
  async run(context, { flags, arguments: { ids } }) {
    const { add, remove } = flags;
    await withWriteSession(context, async (session) => {
      if (add.length + remove.length === 0)
        throw new CommandError("must specify --add and/or --remove");
      for (const id of ids) {
        const snapshots = await findSnapshotsById(session.manifests, id);
        if (snapshots.length === 0) {
          throw new CommandError(
            `error pinning snapshots by root ID ${id}: no snapshots matched ${id}`,
          );
        }
        for (const snapshot of snapshots) {
          const { isChanged } = await pinSnapshot(session.manifests, snapshot, { add, remove });
          const verb = isChanged ? "Updating" : "No change for";
          const time = timestamp(context, snapshot.startTime);
          context.log.info(`${verb} snapshot at ${time} of ${formatSource(snapshot.source)}`);
        }
      }
    });
  },
});
