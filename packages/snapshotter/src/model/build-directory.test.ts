import { describe, expect, test } from "vitest";
import { buildDirectory } from "./build-directory.ts";
import type { DirectoryEntry, DirectorySummary } from "./directory-entry.ts";

function file(name: string, parts: Partial<DirectoryEntry> = {}): DirectoryEntry {
  return {
    name,
    type: "f",
    mode: 0,
    sizeBytes: 10n,
    modTime: 5n,
    uid: 0,
    gid: 0,
    objectId: "0",
    ...parts,
  };
}

const below: DirectorySummary = {
  totalFileSizeBytes: 2n ** 60n,
  fileCount: 3,
  symlinkCount: 2,
  directoryCount: 4,
  maxModTime: 99n,
  fatalErrorCount: 1,
  ignoredErrorCount: 2,
  failedEntries: [{ path: "d/z", error: "e1" }],
};

describe("buildDirectory", () => {
  test("sorts directories first, then by raw bytes", () => {
    const entries = [
      file("b"),
      file("\ue000"),
      file("😀"),
      file("\ufffd", { nameBytes: Uint8Array.of(0xff) }),
      file("\ufffd", { nameBytes: Uint8Array.of(0x61, 0x80) }),
      file("z", { type: "d" }),
      file("a", { type: "s" }),
      file("ab"),
    ];
    const order = buildDirectory({ entries, modTime: 0n }).entries;
    expect(order.map(({ name, nameBytes }) => nameBytes?.join(" ") ?? name)).toEqual([
      "z",
      "a",
      "ab",
      "97 128",
      "b",
      "\ue000",
      "😀",
      "255",
    ]);
  });

  test("sums up files, not links, and everything of the directories below", () => {
    const { summary } = buildDirectory({
      entries: [
        file("f"),
        file("s", { type: "s", sizeBytes: 7n }),
        file("d", { type: "d", sizeBytes: 0n, summary: below }),
      ],
      modTime: 1000n,
      failures: [
        { path: "\ufffd", pathBytes: Uint8Array.of(0x62, 0xff), error: "e2", isIgnored: true },
        { path: "a", error: "e3", isIgnored: false },
      ],
      incompleteReason: "canceled",
    });
    expect(summary).toEqual({
      totalFileSizeBytes: 2n ** 60n + 10n,
      fileCount: 4,
      symlinkCount: 3,
      directoryCount: 5,
      maxModTime: 99n,
      incomplete: "canceled",
      fatalErrorCount: 2,
      ignoredErrorCount: 3,
      // By raw path: `a`, `b\xff`, `d/z`.
      failedEntries: [
        { path: "a", error: "e3" },
        { path: "\ufffd", pathBytes: Uint8Array.of(0x62, 0xff), error: "e2" },
        { path: "d/z", error: "e1" },
      ],
    });
  });

  test("the newest time of old entries is the epoch, that of an empty directory its own", () => {
    expect(
      buildDirectory({ entries: [file("f", { modTime: -5n })], modTime: 7n }).summary.maxModTime,
    ).toBe(0n);
    expect(buildDirectory({ entries: [], modTime: -5n }).summary.maxModTime).toBe(-5n);
  });
});
