import type { DirectoryEntry } from "../model/directory-entry.ts";
import { openFilesystemRepository, type WriteSession } from "@kopia-engine/kopia-format";
import { seededBytes, seededRandom } from "@kopia-engine/kopia-format/testing";
import { loadFixture } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import { uploadSnapshot } from "../upload/upload-snapshot.ts";
import { verifySnapshots, type VerifyOptions, type VerifyResult } from "./verify-snapshots.ts";

async function verifyFixture(
  name: string,
  options: Partial<VerifyOptions> = {},
): Promise<VerifyResult> {
  const fixture = loadFixture(name);
  using unpacked = fixture.unpack();
  await using repository = await openFilesystemRepository({
    path: unpacked.path,
    password: fixture.password,
    client: { readOnly: true },
  });
  const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
    rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
  );
  return await verifySnapshots({ repository, roots, ...options });
}

test("a healthy repository verifies, every object once", async () => {
  const { stats, errors } = await verifyFixture("damaged-none", { verifyFilesPercent: 100 });
  expect(errors).toEqual([]);
  // As recorded from the real program: 62 objects, 31 files read.
  expect(stats).toMatchObject({ processedObjectCount: 62, readFileCount: 31 });
  expect(stats.readBytes).toBe(stats.processedBytes);
});

test.each([
  [
    "damaged-pack-missing",
    0,
    /^object \S+ is backed by missing blob p7aa30b89a0c5b3c0a612b56f00ba846e/,
  ],
  ["damaged-pack-truncated", 0, /is backed by truncated blob pe3494eb24ae3e833f8c8cccf8c860aa5/],
  ["damaged-pack-zero-length", 0, /is backed by truncated blob p/],
  ["damaged-pack-flip-content", 100, /^error reading object 450269912e7615fe8c01e48d29344488: /],
  ["damaged-index-missing", 0, /^(error reading directory|verify object): /],
])("%s is found", async (name, verifyFilesPercent, message) => {
  const first = await verifyFixture(name, { verifyFilesPercent });
  expect(first.errors.length).toBe(1);
  expect(first.errors[0]?.message).toMatch(message);
  const all = await verifyFixture(name, { verifyFilesPercent, maxErrors: -1 });
  expect(all.errors.length).toBeGreaterThanOrEqual(1);
  expect(new Set(all.errors.map(({ path }) => path)).size).toBe(all.errors.length);
});

test("damage inside data is only found by reading", async () => {
  const { errors } = await verifyFixture("damaged-pack-flip-content");
  expect(errors).toEqual([]);
});

test("a share of the files is read", async () => {
  using directory = tempDirectory();
  const { repository } = await memoryRepository();
  await using session: WriteSession = await repository.writeSession();
  const files = Object.fromEntries(
    Array.from({ length: 200 }, (_, index) => [`f${index}`, seededBytes(index, 50)]),
  );
  const path = writeTree(directory.join("source"), { ...files, large: seededBytes(7, 9_000_000) });
  const source = { userName: "user", host: "host", path };
  const policyTree = createPolicyTree(DEFAULT_POLICY);
  const { rootEntry } = await uploadSnapshot({ session, source, policyTree });
  await session.flush();
  const verify = (verifyFilesPercent: number): Promise<VerifyResult> =>
    verifySnapshots({
      repository,
      roots: [{ path, entry: rootEntry as DirectoryEntry }],
      verifyFilesPercent,
      random: seededRandom(1),
    });
  await repository.refresh();
  expect((await verify(0)).stats).toMatchObject({ processedObjectCount: 202, readFileCount: 0 });
  const some = (await verify(25)).stats.readFileCount;
  expect(some).toBeGreaterThan(20);
  expect(some).toBeLessThan(90);
  const { stats } = await verify(100);
  expect(stats).toMatchObject({ readFileCount: 201, readBytes: 9_010_000 });
  expect(stats).toMatchObject({ expectedTotalObjectCount: 202, expectedTotalFileCount: 201 });
});
