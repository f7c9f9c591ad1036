import { writeFileSync } from "node:fs";
import {
  MemoryStorage,
  collectAsync,
  type BlobStorage,
  type Repository,
} from "@kopia-engine/kopia-format";
import { FakeClock, FaultyStorage, seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect } from "vitest";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  createSnapshot,
  deleteSnapshot,
  listSnapshots,
  loadSchedule,
  runMaintenance,
  setMaintenanceParameters,
  verifySnapshots,
  type MaintenanceParameters,
  type RunMaintenanceOptions,
} from "../../src/index.ts";
import { memoryRepository } from "../memory-repository.ts";

export const SECOND = 1_000_000_000n;
export const HOUR = 3600n * SECOND;

/** Snapshots a directory. @returns the manifest's ID. */
export async function snapshot(repository: Repository, path: string): Promise<string> {
  await using session = await repository.writeSession();
  const source = { userName: "user", host: "host", path };
  const { manifest } = await createSnapshot(session, { source, timeZone: "UTC" });
  await session.flush();
  await repository.refresh();
  return manifest.id;
}

/** Deletes a snapshot as every client does. */
export async function remove(repository: Repository, ...ids: readonly string[]): Promise<void> {
  await using session = await repository.writeSession();
  for (const id of ids) await deleteSnapshot(session.manifests, id);
  await session.flush();
  await repository.refresh();
}

/** Makes this client the owner. */
export async function own(
  repository: Repository,
  changes: Partial<MaintenanceParameters> = {},
): Promise<void> {
  await using session = await repository.writeSession();
  const owner = `${repository.client.username}@${repository.client.hostname}`;
  const parameters = { ...DEFAULT_MAINTENANCE_PARAMETERS, owner, ...changes };
  await setMaintenanceParameters(session.manifests, parameters);
  await session.flush();
  await repository.refresh();
}

/** Reads every file of every snapshot. @returns how many snapshots there are. */
export async function verifyAll(repository: Repository): Promise<number> {
  await repository.refresh();
  const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
    rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
  );
  const { errors } = await verifySnapshots({ repository, roots, verifyFilesPercent: 100 });
  expect(errors).toEqual([]);
  return roots.length;
}

/** Blobs with a prefix. */
export async function blobIds(storage: BlobStorage, prefix: string): Promise<string[]> {
  return (await collectAsync(storage.list(prefix))).map(({ id }) => id).sort();
}

/** Packs of file data. */
export function packs(storage: BlobStorage): Promise<string[]> {
  return blobIds(storage, "p");
}

/** A repository in memory with a clock that stands still. */
export interface World {
  readonly clock: FakeClock;
  readonly storage: BlobStorage;
  readonly repository: Repository;
}

/** An owned repository without snapshots. */
export async function emptyWorld(
  options: Parameters<typeof memoryRepository>[0] = {},
): Promise<World> {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const blank = await memoryRepository(options);
  for await (const { id } of blank.storage.list("")) {
    await storage.put(id, await blank.storage.get(id));
  }
  const { repository } = await memoryRepository({ ...options, storage, clock });
  await own(repository);
  return { clock, storage, repository };
}

/** Two snapshots of different data, the first one deleted; `garbage` is the pack of the deleted one. */
export async function world(
  path: string,
  options: Parameters<typeof memoryRepository>[0] = {},
): Promise<World & { readonly garbage: string }> {
  const made = await emptyWorld(options);
  const { storage, repository } = made;
  writeFileSync(`${path}/changing`, seededBytes(1, 5000));
  const first = await snapshot(repository, path);
  const [garbage = ""] = await packs(storage);
  writeFileSync(`${path}/changing`, seededBytes(2, 5000));
  writeFileSync(`${path}/kept`, seededBytes(3, 5000));
  await snapshot(repository, path);
  await remove(repository, first);
  return { ...made, garbage };
}

/** Runs full maintenance. */
export function full(
  repository: Repository,
  options: Partial<RunMaintenanceOptions> = {},
): Promise<string> {
  return runMaintenance({ repository, mode: "full", ...options });
}

/** Statistics of the newest run of a task. */
export async function lastStats(
  repository: Repository,
  task: string,
): Promise<Record<string, unknown>> {
  const { runs } = await loadSchedule(repository);
  const [extra] = runs.get(task)?.[0]?.extra ?? [];
  const text = JSON.stringify(extra, (_key, value: unknown) =>
    typeof value === "object" && value !== null && "text" in value
      ? Number((value as { text: string }).text)
      : value,
  );
  return (JSON.parse(text ?? "{}") as { data: Record<string, unknown> }).data;
}

/** An upload whose process dies before its index is written: packs and a session marker stay. */
export async function crashedUpload({ storage, clock }: World, path: string): Promise<void> {
  const faulty = new FaultyStorage(storage, [
    { kind: "kill", operations: ["put"], idPrefix: "xn" },
    { kind: "kill", operations: ["put"], idPrefix: "n" },
  ]);
  const { repository } = await memoryRepository({ storage: faulty, clock });
  await expect(snapshot(repository, path)).rejects.toThrow();
}
