import { expect, test } from "vitest";
import { MemoryStorage } from "../blob/memory-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { collectAsync } from "../base/collect-async.ts";
import { executeBlobCopy, planBlobCopy, prepareDestination } from "./copy-blobs.ts";

const OPTIONS = { update: true, delete: true };
const EXECUTE = { parallel: 3, preserveTimes: false };
const FORMAT = (uniqueID: string): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      tool: "https://github.com/kopia/kopia",
      buildVersion: "v",
      buildInfo: "i",
      uniqueID,
      keyAlgo: "scrypt-65536-8-1",
      encryption: "AES256_GCM",
      encryptedBlockFormat: "A".repeat(44),
    }),
  );

async function storageOf(...ids: readonly string[]): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const id of ids) await storage.put(id, Buffer.from(id));
  return storage;
}

async function idsOf(storage: BlobStorage): Promise<readonly string[]> {
  return (await collectAsync(storage.list("")))
    .map(({ id }) => id)
    .sort((a, b) => (a < b ? -1 : 1));
}

test("packs are copied before indexes, the rest is deleted in the other order", async () => {
  const source = await storageOf("xn0_a", "kopia.repository", "pa", "_log_x", "sa", "qa");
  const destination = await storageOf("pold", "xn0_old");
  const plan = await planBlobCopy({ source, destination }, OPTIONS);
  expect(plan.toCopy.map(({ id }) => id)).toEqual([
    "sa",
    expect.stringMatching(/^[pq]a$/),
    expect.stringMatching(/^[pq]a$/),
    "_log_x",
    "xn0_a",
    "kopia.repository",
  ]);
  expect(plan.toDelete.map(({ id }) => id)).toEqual(["xn0_old", "pold"]);
  const result = await executeBlobCopy({ source, destination }, plan, EXECUTE);
  expect(result).toMatchObject({ copied: { count: 6 }, deletedCount: 2, vanishedCount: 0 });
  expect(await idsOf(destination)).toEqual(await idsOf(source));
  const again = await planBlobCopy({ source, destination }, OPTIONS);
  expect(again).toMatchObject({ toCopy: [], toDelete: [], inSync: { count: 6 } });
});

test("a copy that was cut off is made again; without update and delete all stays", async () => {
  const source = await storageOf("pa");
  const destination = await storageOf("extra");
  await destination.put("pa", new Uint8Array(1));
  const kept = await planBlobCopy({ source, destination }, { update: false, delete: false });
  expect(kept).toMatchObject({ toCopy: [], toDelete: [], inSync: { count: 1 } });
  const repaired = await planBlobCopy({ source, destination }, { update: true, delete: false });
  expect(repaired.toCopy.map(({ id }) => id)).toEqual(["pa"]);
});

test("a blob that vanishes meanwhile is left out, a failing one stops the copy", async () => {
  const source = await storageOf("pa", "pb");
  const destination = await storageOf();
  const plan = await planBlobCopy({ source, destination }, OPTIONS);
  await source.delete("pa");
  const result = await executeBlobCopy({ source, destination }, plan, EXECUTE);
  expect(result).toMatchObject({ copied: { count: 1 }, vanishedCount: 1 });
  const aborted = executeBlobCopy({ source, destination }, plan, {
    ...EXECUTE,
    signal: AbortSignal.abort(new Error("stop")),
  });
  await expect(aborted).rejects.toThrow("stop");
});

test("the destination must be the same repository, or empty", async () => {
  const source = await storageOf("pa");
  await source.put("kopia.repository", FORMAT("AAAA"));
  const options = { mustExist: false, mayWrite: true };
  const empty = await storageOf();
  const missing = prepareDestination(
    { source, destination: empty },
    { ...options, mustExist: true },
  );
  await expect(missing).rejects.toMatchObject({ code: "REPOSITORY_NOT_FOUND" });
  await prepareDestination({ source, destination: empty }, { ...options, mayWrite: false });
  expect(await idsOf(empty)).toEqual([]);
  await prepareDestination({ source, destination: empty }, options);
  expect(await idsOf(empty)).toEqual(["kopia.repository"]);
  await prepareDestination({ source, destination: empty }, { ...options, mustExist: true });
  await empty.put("kopia.repository", FORMAT("BBBB"));
  for (const destination of [empty, await storageOf("pforeign")]) {
    await expect(prepareDestination({ source, destination }, options)).rejects.toMatchObject({
      code: "REPOSITORY_FOREIGN_DATA",
    });
  }
});
