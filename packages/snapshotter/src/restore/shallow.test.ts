import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { isKopiaError, type WriteSession } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { type TempDirectory, tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { readDirectory } from "../fs/read-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { uploadSnapshot } from "../upload/upload-snapshot.ts";
import { createLocalOutput, type LocalOutputOptions } from "./local-output.ts";
import {
  isPlaceholderPath,
  openLocalPlaceholder,
  removeLocalPlaceholder,
} from "./local-placeholder.ts";
import type { RestoreStats } from "./restore-counters.ts";
import { restoreTree, type RestoreOptions } from "./restore-tree.ts";

type Flags = Partial<LocalOutputOptions> & Partial<Omit<RestoreOptions, "output" | "repository">>;

interface Bench {
  readonly directory: TempDirectory;
  readonly session: WriteSession;
  /** The snapshot of `TREE`. */
  readonly root: DirectoryEntry;
  readonly target: string;
  readonly snapshot: (path: string) => Promise<SnapshotManifest>;
  readonly restore: (flags?: Flags) => Promise<RestoreStats>;
  readonly expand: (path: string, flags?: Flags) => Promise<RestoreStats>;
}

const TREE = {
  big: seededBytes(1, 5_500_000),
  small: "12345",
  link: { link: "small" },
  sub: { file: "content", deep: { deeper: "!" } },
  empty: {},
};

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  using directory = tempDirectory();
  const { repository } = await memoryRepository();
  await using session = await repository.writeSession();
  const policyTree = createPolicyTree(DEFAULT_POLICY);
  const snapshot = (path: string): Promise<SnapshotManifest> =>
    uploadSnapshot({ session, source: { userName: "user", host: "host", path }, policyTree });
  const source = writeTree(directory.join("source"), TREE);
  chmodSync(`${source}/big`, 0o4754);
  const { rootEntry } = await snapshot(source);
  const root = rootEntry as DirectoryEntry;
  const target = directory.join("target");
  const restore = (flags: Flags = {}): Promise<RestoreStats> => {
    const output = createLocalOutput({ targetPath: target, ...flags });
    return restoreTree({ repository: session, entry: root, output, ...flags });
  };
  const expand = async (path: string, flags: Flags = {}): Promise<RestoreStats> => {
    const placeholder = openLocalPlaceholder(path);
    const { targetPath, entry } = placeholder;
    const stats = await restore({ targetPath, entry, ...flags });
    removeLocalPlaceholder(placeholder);
    return stats;
  };
  await run({ directory, session, root, target, snapshot, restore, expand });
  await repository.close();
}

function namesIn(path: string): readonly string[] {
  return readdirSync(path).toSorted();
}

test("entries below the depth become placeholders that hold their entries", async () => {
  await withBench(async ({ session, root, target, restore }) => {
    const stats = await restore({ shallow: { depth: 0 } });
    expect(stats).toMatchObject({
      restoredFileCount: 2,
      restoredDirectoryCount: 3,
      restoredSymlinkCount: 1,
      restoredBytes: 5_500_005,
    });
    const names = ["big", "empty", "small", "sub"].map((name) => `${name}.kopia-entry`);
    expect(namesIn(target)).toEqual([...names, "link"].toSorted());
    const { entries } = await readDirectory(session.objects, root.objectId);
    const stored = entries.find(({ name }) => name === "big");
    const { entry } = openLocalPlaceholder(`${target}/big.kopia-entry`);
    expect(entry).toEqual(stored);
    const stat = lstatSync(`${target}/big.kopia-entry`, { bigint: true });
    expect((Number(stat.mode) & 0o7777).toString(8)).toBe("4554");
    expect(stat.mtimeNs).toBe(stored?.modTime);
    // A sub-directory has the size and the newest time of what is below it (spec 2 §10.2).
    const sub = openLocalPlaceholder(`${target}/sub.kopia-entry/.kopia-entry`);
    expect(sub).toMatchObject({
      path: `${target}/sub.kopia-entry`,
      targetPath: `${target}/sub`,
      entry: { name: "sub", type: "d", sizeBytes: 8n },
    });
    expect(sub.entry.modTime).toBe(sub.entry.summary?.maxModTime);
    expect((lstatSync(`${target}/sub.kopia-entry`).mode & 0o777).toString(8)).toBe("700");
    const text = readFileSync(`${target}/small.kopia-entry`, "utf8");
    expect(text).toMatch(/^\{"name":"small","type":"f","mode":"0644","size":5,.*"\}\n$/);
  });
});

test("depth, small files and long names", async () => {
  await withBench(async ({ directory, session, target, snapshot, restore }) => {
    await restore({ shallow: { depth: 1, minSizeBytes: 2 } });
    expect(namesIn(target)).toEqual(["big", "empty", "link", "small", "sub"]);
    expect(namesIn(`${target}/sub`)).toEqual(["deep.kopia-entry", "file.kopia-entry"]);
    const other = directory.join("other");
    await restore({ targetPath: other, shallow: { depth: 0, minSizeBytes: 6 } });
    expect(namesIn(other)).toContain("small");
    const long = "n".repeat(250);
    const source = writeTree(directory.join("long"), { [long]: { file: "x" } });
    const { rootEntry } = await snapshot(source);
    const targetPath = directory.join("long-target");
    const output = createLocalOutput({ targetPath });
    const entry = rootEntry as DirectoryEntry;
    await restoreTree({ repository: session, entry, output, shallow: { depth: 0 } });
    expect(namesIn(`${targetPath}/${long}`)).toEqual(["file.kopia-entry"]);
  });
});

test("a real entry gets no placeholder beside it; an older placeholder is replaced", async () => {
  await withBench(async ({ target, restore }) => {
    await restore({ shallow: { depth: 0 } });
    await restore({ shallow: { depth: 0 } });
    expect(namesIn(target)).toContain("sub.kopia-entry");
    await restore();
    expect(namesIn(target)).toEqual(["big", "empty", "link", "small", "sub"]);
    const error: unknown = await restore({ shallow: { depth: 0 } }).catch((e: unknown) => e);
    expect(isKopiaError(error, "RESTORE_TARGET")).toBe(true);
    expect(namesIn(target)).toEqual(["big", "empty", "link", "small", "sub"]);
  });
});

test("placeholders are expanded in place, step by step, until the tree is as it was", async () => {
  await withBench(async ({ root, target, snapshot, restore, expand }) => {
    await restore({ shallow: { depth: 0 } });
    await expand(`${target}/sub.kopia-entry`, { shallow: { depth: 0 } });
    expect(namesIn(`${target}/sub`)).toEqual(["deep.kopia-entry", "file.kopia-entry"]);
    await expand(`${target}/sub/deep.kopia-entry`);
    for (const name of ["sub/file", "big", "small", "empty"]) {
      await expand(`${target}/${name}.kopia-entry`);
    }
    expect(namesIn(target)).toEqual(["big", "empty", "link", "small", "sub"]);
    expect(readFileSync(`${target}/big`).equals(seededBytes(1, 5_500_000))).toBe(true);
    expect(readFileSync(`${target}/sub/deep/deeper`, "utf8")).toBe("!");
    const { rootEntry } = await snapshot(target);
    // Expanding what is in a directory changes the directory's own time.
    const maxModTime = expect.any(BigInt) as bigint;
    expect(rootEntry?.summary).toEqual({ ...root.summary, maxModTime });
  });
});

test("a snapshot takes the entries of placeholders over, also beside a previous snapshot", async () => {
  await withBench(async ({ session, root, target, snapshot, restore }) => {
    await restore({ shallow: { depth: 0 } });
    const first = await snapshot(target);
    expect(first.stats).toMatchObject({ directoryCount: 3 });
    expect(first.rootEntry?.summary).toEqual(root.summary);
    const { entries } = await readDirectory(session.objects, root.objectId);
    const again = await readDirectory(
      session.objects,
      (first.rootEntry as DirectoryEntry).objectId,
    );
    const idsOf = (list: readonly DirectoryEntry[]): readonly string[] =>
      list.map(({ name, objectId }) => `${name} ${objectId}`);
    expect(idsOf(again.entries)).toEqual(idsOf(entries));
    const second = await snapshot(target);
    expect(second.rootEntry?.objectId).toBe(first.rootEntry?.objectId);
    renameSync(`${target}/small.kopia-entry`, `${target}/tiny.kopia-entry`);
    const renamed = await snapshot(target);
    const listing = await readDirectory(
      session.objects,
      (renamed.rootEntry as DirectoryEntry).objectId,
    );
    expect(listing.entries.map(({ name }) => name)).toEqual([
      "empty",
      "sub",
      "big",
      "link",
      "tiny",
    ]);
  });
});

test("placeholders that stand for nothing fail alone, and ignore rules see the real names", async () => {
  await withBench(async ({ target, session, snapshot, restore }) => {
    await restore({ shallow: { depth: 0 } });
    writeFileSync(`${target}/junk.kopia-entry`, "junk\n");
    mkdirSync(`${target}/hollow.kopia-entry`);
    symlinkSync("x", `${target}/link.kopia-entry`);
    writeFileSync(`${target}/small`, "real");
    writeFileSync(`${target}/.kopiaignore`, "sub\n*.kopia-entry\n");
    const id = "0123456789abcdef0123456789abcdef";
    writeFileSync(`${target}/foreign.kopia-entry`, `{"name":"f","type":"f","obj":"${id}"}\n`);
    const crossed = readFileSync(`${target}/sub.kopia-entry/.kopia-entry`);
    writeFileSync(`${target}/crossed.kopia-entry`, crossed);
    const { rootEntry } = await snapshot(target);
    const { summary, objectId } = rootEntry as DirectoryEntry;
    expect(summary?.failedEntries.map(({ path }) => path)).toEqual([
      "crossed",
      "foreign",
      "hollow",
      "junk",
      "small",
    ]);
    expect(summary?.failedEntries[1]?.error).toContain(
      `invalid placeholder for "foreign" contains foreign object.ID: error getting content info for ${id}: `,
    );
    expect(summary?.failedEntries[4]?.error).toContain(
      `can't read placeholder: "${target}/small", "${target}/small.kopia-entry" exist: `,
    );
    const { entries } = await readDirectory(session.objects, objectId);
    expect(entries.map(({ name }) => name)).toEqual([
      "empty",
      ".kopiaignore",
      "big",
      "link",
      "small",
    ]);
  });
});

test("a placeholder stays when what it stands for cannot be restored", async () => {
  await withBench(async ({ target, restore, expand }) => {
    await restore({ shallow: { depth: 0 } });
    const path = `${target}/gone.kopia-entry`;
    const id = "0123456789abcdef0123456789abcdef";
    writeFileSync(path, `{"name":"gone","type":"f","size":3,"obj":"${id}"}\n`);
    await expect(expand(path)).rejects.toThrow();
    expect(existsSync(path)).toBe(true);
    expect(existsSync(`${target}/gone`)).toBe(false);
    expect(isPlaceholderPath(path)).toBe(true);
    for (const wrong of [`${target}/none.kopia-entry`, `${target}/link`, "/.kopia-entry"]) {
      expect(() => openLocalPlaceholder(wrong)).toThrow(
        expect.objectContaining({ code: "RESTORE_FAILED" }),
      );
    }
  });
});
