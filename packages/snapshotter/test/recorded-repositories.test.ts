import { openFilesystemRepository } from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture, treeRows } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { listSnapshots, verifySnapshots } from "../src/index.ts";
import { comparableRow, restoredRows, type ComparableRow } from "./restored-rows.ts";
import type { Fixture } from "@kopia-engine/test-fixtures";

/** Manifests, objects, contents, indexes and cuts of the same repositories are compared in kopia-format. */
describe.each(fixtureNames(/^fs-/))("%s", (name) => {
  const fixture = loadFixture(name);
  const snapshotIds = Object.keys(fixture.record.trees ?? {});

  test(`restores ${snapshotIds.length} snapshots as the real program did`, async () => {
    const repairs: string[] = [];
    const warnings: string[] = [];
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
      client: { readOnly: true },
      onRepair: ({ hash }) => repairs.push(hash),
      onWarning: (message) => warnings.push(message),
    });
    for (const snapshotId of snapshotIds) {
      const { rows } = await restoredRows(repository, snapshotId);
      expect(rows, snapshotId).toEqual(expectedRows(fixture, snapshotId));
    }
    const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
      rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
    );
    const verified = await verifySnapshots({ repository, roots, verifyFilesPercent: 100 });
    expect(verified.errors).toEqual([]);
    if (name.endsWith("-corrected")) {
      // A byte is flipped in one content of every pack; a warning tells of it once.
      expect(new Set(repairs).size).toBeGreaterThan(0);
      expect(warnings).toEqual([expect.stringMatching(/repaired by error correction/)]);
    } else expect({ repairs, warnings }).toEqual({ repairs: [], warnings: [] });
  });
});

function expectedRows(fixture: Fixture, snapshotId: string): ComparableRow[] {
  const rootRow = fixture.record.trees?.[snapshotId]?.rootRowByHead;
  return treeRows(fixture, snapshotId)
    .map((row) => (row[0] === "." && rootRow !== undefined ? rootRow : row))
    .map(comparableRow);
}
