import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectAsync } from "../base/collect-async.ts";
import { systemRandom } from "../base/random.ts";
import { openFilesystemStorage } from "./filesystem-storage.ts";
import { executeShardChange, planShardChange, readShardParameters } from "./modify-shards.ts";

const IDS = Array.from({ length: 6 }, (_, i) => `p${String(i).repeat(32)}-s0123456789abcdef147`);
const FLAT = { default: [], maxNonShardedLength: 20, overrides: [] };
const MIXED = {
  default: [2, 2],
  maxNonShardedLength: 10,
  overrides: [{ prefix: "p0", shards: [5] }],
};
let path: string;

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), "shards-"));
  const storage = await openFilesystemStorage({ path, create: true });
  for (const [i, id] of IDS.entries()) await storage.put(id, Uint8Array.of(i));
});

afterEach(() => rmSync(path, { recursive: true, force: true }));

async function expectReadable(): Promise<void> {
  const storage = await openFilesystemStorage({ path, readOnly: true });
  expect((await collectAsync(storage.list(""))).map(({ id }) => id).toSorted()).toEqual(IDS);
  for (const [i, id] of IDS.entries()) expect(await storage.get(id)).toEqual(Uint8Array.of(i));
}

test.each([FLAT, MIXED])("blobs are found in the layout that is asked for: %j", async (layout) => {
  const plan = planShardChange(path, layout);
  await expectReadable();
  executeShardChange(plan, systemRandom);
  await expectReadable();
  expect(readShardParameters(path)).toEqual(layout);
  expect(planShardChange(path, layout).moves).toEqual([]);
});

test("interrupted after any number of moves, planning and running again completes it", async () => {
  const { moves } = planShardChange(path, MIXED);
  expect(moves).toHaveLength(IDS.length);
  for (const { from, to } of moves) {
    // One move further, and then the process is gone: the old layout is still the stored one.
    mkdirSync(dirname(to), { recursive: true });
    renameSync(from, to);
    const layout = readFileSync(join(path, ".shards"), "utf8");
    const again = planShardChange(path, MIXED);
    expect(again.moves.length + again.unchangedCount).toBe(IDS.length);
    expect(readFileSync(join(path, ".shards"), "utf8")).toBe(layout);
  }
  executeShardChange(planShardChange(path, MIXED), systemRandom);
  await expectReadable();
  // And back, also from there.
  executeShardChange(planShardChange(path, FLAT), systemRandom);
  await expectReadable();
  expect(readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory())).toBe(
    false,
  );
});

test("one blob at two places is refused, and nothing is moved", async () => {
  writeFileSync(join(path, `${IDS[0]}.f`), "another");
  expect(() => planShardChange(path, MIXED)).toThrow(
    expect.objectContaining({ code: "BLOB_EXISTS" }),
  );
  rmSync(join(path, `${IDS[0]}.f`));
  await expectReadable();
});
