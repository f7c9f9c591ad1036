import { expect, test } from "vitest";
import { MemoryStorage } from "../blob/memory-storage.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { FaultyStorage, type FaultKind } from "../testing/faulty-storage.ts";
import { seededBytes } from "../testing/seeded.ts";
import type { BlobStorage } from "../blob/storage.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import { createRepository } from "./create-repository.ts";
import { openRepository } from "./open-repository.ts";
import type { ClientOptions, Repository } from "./repository.ts";

const client: ClientOptions = { username: "u", hostname: "h", readOnly: false, description: "" };
const password = "p";
const OLD = seededBytes(1, 5000);
const NEW = seededBytes(2, 5000);

/** A copy of a storage, to crash in again and again. */
async function copyOf(storage: BlobStorage, clock: FakeClock): Promise<MemoryStorage> {
  const copy = new MemoryStorage({ clock });
  for await (const blob of storage.list("")) await copy.put(blob.id, await storage.get(blob.id));
  return copy;
}

function open(
  storage: BlobStorage,
  clock: FakeClock,
  format: RepositoryFormat,
): Promise<Repository> {
  return openRepository(storage, { password, client, clock, format });
}

/** Manifests enough to be compacted by the next flush, each naming an object of its own. */
async function preparedRepository() {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const format = await createRepository(storage, { password });
  const repository = await open(storage, clock, format);
  const session = await repository.writeSession();
  for (let i = 0; i < 16; i++) {
    const id = session.objects.writeObject(OLD.subarray(i));
    await session.manifests.put({ type: "old" }, JSON.stringify({ id }));
    await session.flush();
  }
  await session[Symbol.asyncDispose]();
  return { clock, storage, format };
}

/** One run of a client: a new object, a manifest that names it, an old one deleted, compaction, flush. */
async function writeNew(repository: Repository): Promise<void> {
  const session = await repository.writeSession();
  const id = session.objects.writeObject(NEW);
  const [oldest] = await session.manifests.find({ type: "old" });
  await session.manifests.delete(oldest?.id ?? "");
  await session.manifests.put({ type: "new" }, JSON.stringify({ id }));
  await session.flush();
  await session[Symbol.asyncDispose]();
}

/** Every manifest can be read, and so can every object that one names; gives the counts of both kinds. */
async function check(repository: Repository): Promise<string> {
  const counts: Record<string, number> = { old: 0, new: 0 };
  for (const entry of await repository.manifests.find({})) {
    const { id } = JSON.parse(await repository.manifests.getPayload(entry.id)) as { id: string };
    const data = await repository.objects.readObject(id);
    expect(data.length).toBeGreaterThan(4000);
    counts[entry.labels["type"] ?? ""]! += 1;
  }
  return `${counts["old"]} old, ${counts["new"]} new`;
}

test.each<FaultKind>(["kill", "killAfter", "fail", "failAfter", "repeat"])(
  "whatever happens at any storage operation (%s), all is as before or all is done",
  async (kind) => {
    const { clock, storage, format } = await preparedRepository();
    const outcomes = new Set<string>();
    for (let nth = 1; ; nth++) {
      const inner = await copyOf(storage, clock);
      const faulty = new FaultyStorage(inner, [{ kind, nth }]);
      let failed = false;
      try {
        await writeNew(await open(faulty, clock, format));
      } catch {
        failed = true;
      }
      const outcome = await check(await open(inner, clock, format));
      expect(["16 old, 0 new", "15 old, 1 new"]).toContain(outcome);
      if (!failed) expect(outcome).toBe("15 old, 1 new");
      outcomes.add(outcome);
      // The next run goes through, whatever was left behind.
      await writeNew(await open(inner, clock, format));
      await check(await open(inner, clock, format));
      if (nth > faulty.log.length) break;
    }
    expect(outcomes.size).toBe(kind === "repeat" ? 1 : 2);
  },
);
