import { writeFileSync } from "node:fs";
import type { BlobStorage } from "@kopia-engine/kopia-format";
import { FaultyStorage, seededBytes, type FaultKind } from "@kopia-engine/kopia-format/testing";
import { readTree } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import {
  createLocalOutput,
  createSnapshot,
  listSnapshots,
  resolveObjectPath,
  restoreTree,
  verifySnapshots,
} from "../src/index.ts";
import { memoryRepository } from "./memory-repository.ts";
import { tempDirectory } from "./temp-directory.ts";
import { writeTree } from "./write-tree.ts";

async function snapshot(storage: BlobStorage, path: string): Promise<string> {
  const { repository } = await memoryRepository({ storage });
  await using session = await repository.writeSession();
  const source = { userName: "user", host: "host", path };
  const { manifest } = await createSnapshot(session, { source, timeZone: "UTC" });
  await session.flush();
  return manifest.id;
}

/** All snapshots that are there can be read completely; the number of them. */
async function verifyAll(storage: BlobStorage): Promise<number> {
  const { repository } = await memoryRepository({ storage });
  const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
    rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
  );
  const { errors } = await verifySnapshots({ repository, roots, verifyFilesPercent: 100 });
  expect(errors).toEqual([]);
  return roots.length;
}

test.each<FaultKind>(["kill", "killAfter", "fail", "failAfter"])(
  "%s at every storage operation of a snapshot: earlier ones stay whole, the next one succeeds",
  async (kind) => {
    using directory = tempDirectory();
    const path = writeTree(directory.join("source"), {
      file: "1",
      sub: { inner: seededBytes(1, 5000), more: { deep: "2" } },
    });
    let operations = 0;
    for (let nth = 1; nth < 500; nth++) {
      const { storage } = await memoryRepository();
      writeFileSync(`${path}/file`, "first");
      await snapshot(storage, path);
      writeFileSync(`${path}/file`, "second, longer");
      const faulty = new FaultyStorage(storage, [{ kind, nth }]);
      const survived = await snapshot(faulty, path).then(
        () => true,
        () => false,
      );
      expect(await verifyAll(storage)).toBeGreaterThanOrEqual(1);
      const id = await snapshot(storage, path);
      expect(await verifyAll(storage)).toBeGreaterThanOrEqual(2);
      if (nth % 5 === 1) {
        using target = tempDirectory();
        const { repository } = await memoryRepository({ storage });
        const { entry } = await resolveObjectPath(repository, id);
        const output = createLocalOutput({ targetPath: target.join("t") });
        await restoreTree({ repository, entry, output });
        const withoutDirectoryTimes = (root: string): unknown[] =>
          readTree(root).map(([name, type, mode, size, time, digest]) =>
            type === "d" ? [name, mode] : [name, type, mode, size, time, digest],
          );
        expect(withoutDirectoryTimes(target.join("t"))).toEqual(withoutDirectoryTimes(path));
      }
      operations = nth;
      if (survived && !faulty.killed && faulty.log.length < nth) break;
    }
    expect(operations).toBeGreaterThan(8);
    expect(operations).toBeLessThan(499);
  },
);
