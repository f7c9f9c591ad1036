import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFilesystemRepository, type Repository } from "@kopia-engine/kopia-format";
import { seededRandom } from "@kopia-engine/kopia-format/testing";
import { fixtureNames, loadFixture, treeRows, type Fixture } from "@kopia-engine/test-fixtures";
import { expect, test } from "vitest";
import { comparableRow, restoredRows } from "./restored-rows.ts";

/** Opens a fixture; gives what was repaired and what was said of it. */
async function open(path: string, { password }: Fixture) {
  const repairs: string[] = [];
  const warnings: string[] = [];
  const repository = await openFilesystemRepository({
    path,
    password,
    client: { readOnly: true },
    onRepair: ({ hash }) => repairs.push(hash),
    onWarning: (message) => warnings.push(message),
  });
  return { repository, repairs, warnings };
}

/** File of every blob, by its ID. */
function filesOf(path: string): Map<string, string> {
  const files = readdirSync(path, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name.endsWith(".f"),
  );
  return new Map(
    files.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file.slice(path.length).replaceAll("/", "").replace(/\.f$/, ""), file];
    }),
  );
}

/** Flips one byte in one content of every pack, and in every index blob; gives the hashes of what was hit. */
async function damage(path: string, repository: Repository): Promise<Set<string>> {
  const random = seededRandom(5);
  const below = (limit: number): number => {
    const [a = 0, b = 0, c = 0] = random(3);
    return (a * 65_536 + b * 256 + c) % limit;
  };
  const files = filesOf(path);
  const flip = (id: string, offset: number): void => {
    const file = files.get(id) as string;
    const data = readFileSync(file);
    data[offset] = (data[offset] as number) ^ (1 + below(255));
    writeFileSync(file, data);
  };
  const damaged = new Set<string>();
  const packs = Map.groupBy(repository.contents.contents(), ({ packBlobId }) => packBlobId);
  for (const [id, entries] of packs) {
    const entry = entries[below(entries.length)] as (typeof entries)[0];
    flip(id, entry.packOffset + below(entry.packedLength));
    damaged.add(entry.contentId);
  }
  for (const { id, lengthBytes } of await repository.indexBlobs()) flip(id, below(lengthBytes));
  return damaged;
}

test.each(fixtureNames(/-ecc-/))(
  "%s: with a byte flipped in every pack and index everything is restored bit for bit, and it is said",
  async (name) => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    const before = await open(unpacked.path, fixture);
    const damaged = await damage(unpacked.path, before.repository);
    await before.repository.close();
    const { repository, repairs, warnings } = await open(unpacked.path, fixture);
    await using _ = repository;
    for (const id of Object.keys(fixture.record.trees ?? {})) {
      const { rows, failures } = await restoredRows(repository, id);
      expect(failures).toEqual([]);
      expect(rows).toEqual(treeRows(fixture, id).map(comparableRow));
    }
    for (const id of damaged) await repository.contents.getContent(id);
    expect(new Set(repairs).size).toBeGreaterThanOrEqual(damaged.size / 2);
    expect(warnings).toEqual([expect.stringMatching(/repaired by error correction/)]);
  },
);
