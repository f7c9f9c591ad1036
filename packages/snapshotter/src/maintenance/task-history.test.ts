import { expect, test } from "vitest";
import type { MaintenanceRun } from "@kopia-engine/kopia-format";
import { SAFETY } from "./safety-parameters.ts";
import {
  deletesAllKinds,
  mayDeletePacks,
  mayRewriteInFullCycle,
  mayRewriteInQuickCycle,
  safeDropTime,
} from "./task-history.ts";

const HOUR = 3_600_000_000_000n;
const NOW = 1_000_000n * HOUR;
const { full, none } = SAFETY;

function run(start: bigint, end = start, success = true): MaintenanceRun {
  return { start, end, success, error: success ? "" : "failed", extra: [] };
}

function history(
  runs: Readonly<Record<string, readonly MaintenanceRun[]>>,
): ReadonlyMap<string, readonly MaintenanceRun[]> {
  return new Map(Object.entries(runs));
}

test("the margins are Kopia's", () => {
  expect(full).toEqual({
    rewriteMinAgeNs: 2n * HOUR,
    minContentAgeNs: 24n * HOUR,
    marginBetweenGcNs: 4n * HOUR,
    requireTwoGcCycles: true,
    dropExtraMarginNs: HOUR,
    packDeleteMinAgeNs: 24n * HOUR,
    sessionExpirationNs: 96n * HOUR,
    rewriteToDeleteDelayNs: HOUR,
  });
});

test.each(["full-rewrite-contents", "quick-rewrite-contents"])(
  "packs are deleted an hour after the end of %s, not a nanosecond earlier",
  (task) => {
    const end = NOW - HOUR;
    expect(mayDeletePacks(history({ [task]: [run(end - HOUR, end)] }), full, NOW)).toBe(true);
    expect(mayDeletePacks(history({ [task]: [run(end, end + 1n)] }), full, NOW)).toBe(false);
    expect(mayDeletePacks(history({ [task]: [run(NOW, NOW)] }), none, NOW)).toBe(true);
    expect(mayDeletePacks(history({ [task]: [run(NOW, NOW, false)] }), full, NOW)).toBe(true);
  },
);

test("contents are rewritten again only after a deletion that came later", () => {
  const rewritten = [run(NOW - 10n, NOW)];
  const deletion = (end: bigint, success = true): ReadonlyMap<string, readonly MaintenanceRun[]> =>
    history({
      "full-rewrite-contents": rewritten,
      "full-delete-blobs": [run(end - 5n, end, success)],
    });
  expect(mayRewriteInFullCycle(history({}), full)).toBe(true);
  expect(mayRewriteInFullCycle(history({ "full-rewrite-contents": rewritten }), full)).toBe(false);
  expect(mayRewriteInFullCycle(history({ "full-rewrite-contents": rewritten }), none)).toBe(true);
  expect(mayRewriteInFullCycle(deletion(NOW - 1n), full)).toBe(false);
  expect(mayRewriteInFullCycle(deletion(NOW), full)).toBe(true);
  expect(mayRewriteInFullCycle(deletion(NOW, false), full)).toBe(false);
});

test("quick rewrites mind rewrites of both kinds, full ones only full ones", () => {
  const quick = history({ "quick-rewrite-contents": [run(NOW)] });
  expect(mayRewriteInQuickCycle(quick, full)).toBe(false);
  expect(mayRewriteInFullCycle(quick, full)).toBe(true);
  const wholly = history({ "full-rewrite-contents": [run(NOW)] });
  expect(mayRewriteInQuickCycle(wholly, full)).toBe(false);
  const both = history({
    "full-rewrite-contents": [run(NOW)],
    "quick-rewrite-contents": [run(NOW + 1n)],
    "quick-delete-blobs": [run(NOW)],
  });
  expect(mayRewriteInQuickCycle(both, full)).toBe(false);
  expect(deletesAllKinds(both)).toBe(false);
  expect(deletesAllKinds(wholly)).toBe(true);
  expect(deletesAllKinds(history({}))).toBe(true);
});

test("a deletion is confirmed by a collection that starts more than four hours after the end of an earlier one", () => {
  const first = run(NOW, NOW + 10n);
  const runs = (start: bigint): ReadonlyMap<string, readonly MaintenanceRun[]> =>
    history({ "snapshot-gc": [run(start), first] });
  expect(safeDropTime(runs(first.end + 4n * HOUR), full, NOW)).toBeUndefined();
  expect(safeDropTime(runs(first.end + 4n * HOUR + 1n), full, NOW)).toBe(NOW - HOUR);
  expect(safeDropTime(history({ "snapshot-gc": [first] }), full, NOW)).toBeUndefined();
  expect(safeDropTime(history({}), none, NOW)).toBe(NOW);
});

test("failed collections confirm nothing, and the newest confirmed one counts", () => {
  const old = run(NOW - 100n * HOUR);
  const middle = run(NOW - 10n * HOUR);
  const near = run(NOW - HOUR);
  const failed = run(NOW - 20n * HOUR, NOW - 20n * HOUR, false);
  const drop = (list: readonly MaintenanceRun[]): bigint | undefined =>
    safeDropTime(history({ "snapshot-gc": list }), full, NOW);
  expect(drop([run(NOW), near, middle, old])).toBe(middle.start - HOUR);
  expect(drop([old, near, run(NOW), middle])).toBe(middle.start - HOUR);
  expect(drop([run(NOW), failed])).toBeUndefined();
  expect(drop([run(NOW, NOW, false), near])).toBeUndefined();
});
