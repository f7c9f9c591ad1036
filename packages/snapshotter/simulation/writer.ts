import { toUnixSeconds } from "@kopia-engine/kopia-format";
import { createSnapshot, deleteSnapshot, listSnapshots } from "../src/index.ts";
import type { Actor } from "./actor.ts";
import { SourceTree } from "./source-tree.ts";
import type { ClientPlan } from "./world-plan.ts";
import type { ClientProcess, World } from "./world.ts";

/** Backs up its tree again and again, and deletes a snapshot now and then. */
export function writer(world: World, plan: ClientPlan): Actor {
  const tree = new SourceTree(plan.name);
  return {
    plan,
    async run(process, wait) {
      const { choices, repository } = process;
      const rounds = choices.chance(0.2) ? 3 : 1;
      for (let round = 0; round < rounds; round++) {
        // Some programs keep the repository open for hours, with the index they once loaded.
        if (round > 0) await wait(choices.between(0, 1) * 8 * 3.6e12);
        tree.change(choices, toUnixSeconds(world.time.now));
        await backUp(world, process, tree);
        if (choices.chance(0.1)) await deleteOne(world, process, plan.name);
        await repository.refresh();
      }
    },
  };
}

async function backUp(world: World, process: ClientProcess, tree: SourceTree): Promise<void> {
  const { repository, choices } = process;
  const { username: userName } = repository.client;
  const attempt = world.ledger.begin(userName, tree.model);
  world.tell(userName, () => `snapshot ${attempt.id} of ${[...attempt.tree].join(" ")}`);
  await using session = await repository.writeSession();
  await createSnapshot(session, {
    source: { userName, host: "host", path: `/${userName}` },
    path: tree.path,
    description: attempt.id,
    timeZone: "UTC",
    parallelFileReads: 1,
    random: choices.bytes(),
  });
  await session.flush();
  attempt.completed = true;
  world.tell(userName, () => `snapshot ${attempt.id} is safe`);
}

async function deleteOne(world: World, process: ClientProcess, writer: string): Promise<void> {
  const { repository, choices } = process;
  await repository.refresh();
  const source = { userName: writer, host: "host" };
  const snapshots = await listSnapshots(repository.manifests, { source });
  if (snapshots.length < 2) return;
  const { id, description } = choices.pick(snapshots);
  const attempt = world.ledger.find(description);
  if (attempt !== undefined) attempt.deletionTried = true;
  world.tell(writer, () => `deletes snapshot ${description}`);
  await using session = await repository.writeSession();
  await deleteSnapshot(session.manifests, id);
  await session.flush();
}
