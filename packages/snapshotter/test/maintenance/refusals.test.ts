import {
  KopiaError,
  MAINTENANCE_BLOB_ID,
  collectAsync,
  utf8Encode,
  type BlobId,
  type BlobMetadata,
  type BlobStorage,
} from "@kopia-engine/kopia-format";
import { FaultyStorage, seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { loadSchedule, saveSchedule } from "../../src/index.ts";
import { memoryRepository } from "../memory-repository.ts";
import { tempDirectory } from "../temp-directory.ts";
import { writeTree } from "../write-tree.ts";
import { HOUR, blobIds, emptyWorld, full, own, world } from "./maintenance-world.ts";

const REFUSED = { code: "MAINTENANCE_REFUSED" };

/** Storage whose listings can be wrong, and which can be told of each write. */
class OddStorage extends FaultyStorage {
  hides: (blob: BlobMetadata) => boolean = () => false;
  onPut: (id: BlobId) => Promise<void> = () => Promise.resolve();

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    for (const blob of await collectAsync(super.list(prefix))) if (!this.hides(blob)) yield blob;
  }

  override async put(...args: Parameters<BlobStorage["put"]>): Promise<BlobMetadata> {
    const written = await super.put(...args);
    await this.onPut(args[0]);
    return written;
  }
}

async function scheduleBytes(storage: BlobStorage): Promise<string> {
  const present = await blobIds(storage, MAINTENANCE_BLOB_ID);
  return present.length === 0 ? "" : String(await storage.get(MAINTENANCE_BLOB_ID));
}

test.each(["flipped", "cut off", "empty", "gone"])(
  "an index blob that is %s in the storage is refused before the schedule moves, although it was read before",
  async (damage) => {
    using directory = tempDirectory();
    const { storage, repository } = await world(writeTree(directory.join("s"), {}));
    await full(repository);
    const before = await scheduleBytes(storage);
    const [id = ""] = await blobIds(storage, "xn");
    const data = await storage.get(id);
    if (damage === "flipped") data[data.length >> 1] = (data[data.length >> 1] as number) ^ 1;
    const cut = damage === "cut off" ? data.subarray(0, 20) : new Uint8Array(0);
    const odd = new OddStorage(storage);
    const { repository: client } = await memoryRepository({ storage: odd });
    await storage.put(id, damage === "flipped" ? data : cut);
    if (damage === "gone") {
      // Still listed, as by a storage whose listing lags.
      await storage.delete(id);
      odd.list = async function* (prefix: string): AsyncGenerator<BlobMetadata> {
        yield* await collectAsync(storage.list(prefix));
        if (id.startsWith(prefix)) yield { id, lengthBytes: data.length, timestamp: 1n };
      };
    }
    await expect(full(client)).rejects.toMatchObject(REFUSED);
    expect(await scheduleBytes(storage)).toBe(before);
  },
);

test("a settled epoch without any index blob is refused before the schedule moves", async () => {
  const { storage, repository } = await emptyWorld();
  for (const epoch of [1, 2, 3, 4]) await storage.put(`xe${epoch}`, utf8Encode("epoch-marker"));
  const before = await scheduleBytes(storage);
  await expect(full(repository)).rejects.toThrow("epoch 1, 2");
  expect(await scheduleBytes(storage)).toBe(before);
});

test("a listing that does not show the schedule as just written is refused", async () => {
  const { storage, clock, repository } = await emptyWorld();
  await full(repository);
  clock.advance(HOUR);
  const odd = new OddStorage(storage);
  const { repository: client } = await memoryRepository({ storage: odd, clock });
  odd.hides = ({ id }) => id === MAINTENANCE_BLOB_ID;
  await expect(full(client)).rejects.toMatchObject(REFUSED);
});

test("a listing without an index blob that this run wrote is refused before packs are deleted", async () => {
  using directory = tempDirectory();
  const { storage, clock } = await world(writeTree(directory.join("s"), {}));
  clock.advance(48n * HOUR);
  const odd = new OddStorage(storage);
  const { repository } = await memoryRepository({ storage: odd, clock });
  const packs = await blobIds(storage, "p");
  const known = new Set((await repository.indexBlobs()).map(({ id }) => id));
  odd.hides = ({ id }) => id.startsWith("xn") && !known.has(id);
  await expect(full(repository, { safety: "none" })).rejects.toThrow("too old to decide by");
  expect(await blobIds(storage, "p")).toEqual(packs);
});

test("a listing without the watermark that was just written is refused before packs are deleted", async () => {
  using directory = tempDirectory();
  const { storage, clock } = await world(writeTree(directory.join("s"), {}));
  clock.advance(48n * HOUR);
  const odd = new OddStorage(storage);
  const { repository } = await memoryRepository({ storage: odd, clock });
  const packs = await blobIds(storage, "p");
  odd.hides = ({ id }) => id.startsWith("xw");
  await expect(full(repository, { safety: "none" })).rejects.toThrow("deletion watermark");
  expect(await blobIds(storage, "p")).toEqual(expect.arrayContaining(packs));
});

test("another maintainer's schedule during a run stops every deletion", async () => {
  using directory = tempDirectory();
  const { storage, clock, repository: other } = await world(writeTree(directory.join("s"), {}));
  clock.advance(48n * HOUR);
  const odd = new OddStorage(storage);
  const { repository } = await memoryRepository({ storage: odd, clock });
  const packs = await blobIds(storage, "p");
  let interfered = false;
  // After the rewrite, whose record is the second.
  odd.onPut = async (id) => {
    if (interfered || id !== MAINTENANCE_BLOB_ID) return;
    const { runs } = await loadSchedule(other);
    if (!runs.has("full-rewrite-contents")) return;
    interfered = true;
    await saveSchedule(other, await loadSchedule(other));
  };
  await expect(full(repository, { safety: "none" })).rejects.toThrow("another maintainer");
  expect(interfered).toBe(true);
  expect(await blobIds(storage, "p")).toEqual(expect.arrayContaining(packs));
});

test("object locks to be extended are refused at the start; without retention there is nothing to extend", async () => {
  const day = 24 * 3_600_000_000_000;
  const format = { blobRetention: { retentionMode: "GOVERNANCE", retentionPeriodNs: 30 * day } };
  const made = await emptyWorld({ format });
  await own(made.repository, { extendObjectLocks: true });
  const before = await scheduleBytes(made.storage);
  await expect(full(made.repository)).rejects.toMatchObject({ code: "NOT_IMPLEMENTED" });
  expect(await scheduleBytes(made.storage)).toBe(before);
  await expect(full(made.repository, { mode: "quick" })).resolves.toBe("quick");
  const plain = await emptyWorld();
  await own(plain.repository, { extendObjectLocks: true });
  await full(plain.repository);
  const { runs } = await loadSchedule(plain.repository);
  expect(JSON.stringify(runs.get("extend-blob-retention-time")?.[0]?.extra)).toBe(
    '[{"kind":"extendBlobRetentionStats","data":null}]',
  );
});

test("a repository whose index is gone is refused", async () => {
  using directory = tempDirectory();
  const { storage, repository } = await world(writeTree(directory.join("s"), {}));
  for (const id of await blobIds(storage, "x")) await storage.delete(id);
  await expect(full(repository, { force: true })).rejects.toBeInstanceOf(KopiaError);
  expect(await blobIds(storage, MAINTENANCE_BLOB_ID)).toEqual([]);
});

test("a session marker that cannot be read stops the deletion of packs", async () => {
  const { storage, clock, repository } = await emptyWorld();
  const orphan = `p${"ab".repeat(16)}-s0123456789abcdef12d`;
  await storage.put(orphan, seededBytes(1, 10));
  await storage.put(`s${"cd".repeat(16)}-s0123456789abcdef12d`, seededBytes(2, 50));
  clock.advance(48n * HOUR);
  await expect(full(repository, { safety: "none" })).rejects.toMatchObject({
    code: "CONTENT_CORRUPT",
  });
  expect(await blobIds(storage, "p")).toEqual([orphan]);
});

test("who holds the lock is left in peace, and the lock is given back", async () => {
  const { storage, repository } = await emptyWorld();
  expect(await full(repository, { lock: () => Promise.resolve(undefined) })).toBe("busy");
  expect(await blobIds(storage, MAINTENANCE_BLOB_ID)).toEqual([]);
  let held = 0;
  const lock = (): Promise<() => void> => {
    held++;
    return Promise.resolve(() => held--);
  };
  expect(await full(repository, { lock })).toBe("full");
  const faulty = new FaultyStorage(storage, [{ kind: "fail", operations: ["put"] }]);
  const { repository: failing } = await memoryRepository({ storage: faulty });
  await expect(full(failing, { lock })).rejects.toThrow();
  expect(held).toBe(0);
});
