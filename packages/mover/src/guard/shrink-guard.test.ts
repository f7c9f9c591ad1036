import { describe, expect, test } from "vitest";
import type { SnapshotManifest } from "@kopia-engine/snapshotter";
import { SHRINK_GUARD_TAG, judgeShrink, lastTrusted } from "./shrink-guard.ts";

function snapshot(id: string, fileCount: number, change: Partial<SnapshotManifest> = {}) {
  return {
    id,
    startTime: BigInt(id.length),
    incompleteReason: "",
    tags: {},
    rootEntry: { type: "d", summary: { fileCount, symlinkCount: 0 } },
    ...change,
  } as unknown as SnapshotManifest;
}

const EMPTY_ONLY = { maxLossPercent: 100, accept: false, exitCode: 3 };

describe("judgeShrink", () => {
  test.each([
    ["nothing was there before", EMPTY_ONLY, 0, 0, "trusted"],
    ["empty where there was data", EMPTY_ONLY, 0, 1, "shrunk"],
    ["one of a thousand left", EMPTY_ONLY, 1, 1000, "trusted"],
    ["half allowed, half lost", { ...EMPTY_ONLY, maxLossPercent: 50 }, 50, 100, "trusted"],
    ["half allowed, more lost", { ...EMPTY_ONLY, maxLossPercent: 50 }, 49, 100, "shrunk"],
    ["nothing may be lost", { ...EMPTY_ONLY, maxLossPercent: 0 }, 99, 100, "shrunk"],
    ["growth", { ...EMPTY_ONLY, maxLossPercent: 0 }, 101, 100, "trusted"],
    ["accepted by hand", { ...EMPTY_ONLY, accept: true }, 0, 100, "trusted"],
    ["off", { accept: false, exitCode: 3 }, 0, 100, "trusted"],
  ])("%s", (_, settings, now, before, kind) => {
    expect(judgeShrink(settings, now, snapshot("s", before)).kind).toBe(kind);
  });

  test("without an earlier snapshot everything is trusted", () => {
    expect(judgeShrink(EMPTY_ONLY, 0, undefined)).toEqual({ kind: "trusted" });
  });
});

test("the measure is the newest whole snapshot without the mark", () => {
  const good = snapshot("bb", 10);
  const list = [
    snapshot("a", 20),
    good,
    snapshot("ccc", 1, { tags: { [SHRINK_GUARD_TAG]: "why" } }),
    snapshot("dddd", 2, { incompleteReason: "canceled" }),
  ];
  expect(lastTrusted(list)).toBe(good);
  expect(lastTrusted([])).toBeUndefined();
});
