import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openFilesystemRepository, type Repository } from "@kopia-engine/kopia-format";
import {
  type Fixture,
  type TreeRow,
  defaultFormatFixtureNames,
  loadFixture,
  readTree,
  treeRows,
} from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { resolveObjectPath } from "../fs/object-path.ts";
import { createLocalOutput } from "./local-output.ts";
import { restoreTree } from "./restore-tree.ts";

const isRoot = process.getuid?.() === 0;

describe.each(defaultFormatFixtureNames())("%s", (name) => {
  const fixture = loadFixture(name);
  const snapshotIds = Object.keys(fixture.record.trees ?? {});

  test(`restores ${snapshotIds.length} snapshots as the real program did`, async () => {
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
      client: { readOnly: true },
    });
    for (const snapshotId of snapshotIds) {
      expect(await restoredRows(repository, snapshotId), snapshotId).toEqual(
        expectedRows(fixture, snapshotId),
      );
    }
  });
});

async function restoredRows(repository: Repository, snapshotId: string): Promise<TreeRow[]> {
  const directory = mkdtempSync(join(tmpdir(), "restored-"));
  try {
    const targetPath = join(directory, "target");
    const { entry } = await resolveObjectPath(repository, snapshotId);
    await restoreTree({ repository, entry, output: createLocalOutput({ targetPath }) });
    return readTree(targetPath).map(comparable);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function expectedRows(fixture: Fixture, snapshotId: string): TreeRow[] {
  const rootRow = fixture.record.trees?.[snapshotId]?.rootRowByHead;
  return treeRows(fixture, snapshotId)
    .map((row) => (row[0] === "." && rootRow !== undefined ? rootRow : row))
    .map(comparable);
}

/** What must be equal: the real program rounds link times up to the microsecond; owners need root. */
function comparable(row: TreeRow): TreeRow {
  const [path, type, mode, size, mtimeNs, target, uid, gid] = row;
  const time = BigInt(mtimeNs);
  const shownTime = type === "l" ? ((time + 999n) / 1000n) * 1000n : time;
  const owner = isRoot ? ([uid, gid] as const) : ([0, 0] as const);
  return [path, type, Number.parseInt(mode, 8).toString(8), size, shownTime, target, ...owner];
}
