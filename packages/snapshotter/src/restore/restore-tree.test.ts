import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { type WriteSession, isKopiaError, setTimesNs } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { type TempDirectory, tempDirectory } from "../../test/temp-directory.ts";
import { type TreeSpec, writeTree } from "../../test/write-tree.ts";
import { buildDirectory } from "../model/build-directory.ts";
import { encodeDirectory } from "../model/directory-codec.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import { uploadSnapshot } from "../upload/upload-snapshot.ts";
import { createLocalOutput, type LocalOutputOptions } from "./local-output.ts";
import type { RestoreStats } from "./restore-counters.ts";
import { restoreTree, type RestoreOptions } from "./restore-tree.ts";

interface Bench {
  readonly directory: TempDirectory;
  readonly session: WriteSession;
  /** Stores a tree and returns its root entry. */
  readonly store: (tree: TreeSpec) => Promise<DirectoryEntry>;
  readonly restore: (entry: DirectoryEntry, flags?: Flags) => Promise<RestoreStats>;
}

type Flags = Partial<LocalOutputOptions> & Partial<Omit<RestoreOptions, "output" | "repository">>;

async function withBench(run: (bench: Bench) => Promise<void>): Promise<void> {
  using directory = tempDirectory();
  const { repository } = await memoryRepository();
  await using session = await repository.writeSession();
  const restore = (entry: DirectoryEntry, flags: Flags = {}): Promise<RestoreStats> => {
    const output = createLocalOutput({ targetPath: directory.join("target"), ...flags });
    return restoreTree({ repository: session, entry, output, ...flags });
  };
  let count = 0;
  const store = async (tree: TreeSpec): Promise<DirectoryEntry> => {
    const path = writeTree(directory.join(`source${count++}`), tree);
    const source = { userName: "user", host: "host", path };
    const policyTree = createPolicyTree(DEFAULT_POLICY);
    const { rootEntry } = await uploadSnapshot({ session, source, policyTree });
    return rootEntry as DirectoryEntry;
  };
  await run({ directory, session, store, restore });
  await repository.close();
}

/** A root whose listing is made by hand, as nothing but damage or malice would write it. */
function forgeRoot(
  session: WriteSession,
  entries: readonly Partial<DirectoryEntry>[],
): DirectoryEntry {
  const objectId = session.objects.writeObject(Buffer.from("evil"));
  const base = { type: "f", mode: 0o644, sizeBytes: 4n, modTime: 1n, uid: 0, gid: 0, objectId };
  const full = entries.map((entry) => ({ ...base, name: "x", ...entry }));
  const listing = encodeDirectory(buildDirectory({ entries: full, modTime: 1n }));
  const rootId = session.objects.writeObject(listing, { prefix: "k" });
  return { ...base, name: "root", type: "d", mode: 0o755, sizeBytes: 0n, objectId: rootId };
}

test("restores files, links, modes and exact times", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const source = directory.join("source0");
    writeTree(source, {
      big: seededBytes(1, 9_500_000),
      sub: { file: "content", empty: "" },
      link: { link: "sub/file" },
      dangling: { link: "/nowhere" },
    });
    chmodSync(`${source}/sub`, 0o555);
    chmodSync(`${source}/big`, 0o4750);
    setTimesNs(`${source}/sub/file`, { atime: 1n, mtime: 1_700_000_000_123_456_789n });
    setTimesNs(`${source}/link`, { atime: 1n, mtime: 1_600_000_000_987_654_321n });
    setTimesNs(source, { atime: 1n, mtime: 1_500_000_000_111_111_111n });
    const root = await store({});
    const stats = await restore(root);
    expect(stats).toMatchObject({
      restoredFileCount: 3,
      restoredDirectoryCount: 2,
      restoredSymlinkCount: 2,
      restoredBytes: 9_500_007,
      enqueuedCount: 7,
    });
    const target = directory.join("target");
    expect(readFileSync(`${target}/big`).equals(seededBytes(1, 9_500_000))).toBe(true);
    expect(readFileSync(`${target}/sub/file`, "utf8")).toBe("content");
    expect(readlinkSync(`${target}/dangling`)).toBe("/nowhere");
    const time = (name: string): bigint => lstatSync(`${target}/${name}`, { bigint: true }).mtimeNs;
    expect(time("sub/file")).toBe(1_700_000_000_123_456_789n);
    expect(time("link")).toBe(1_600_000_000_987_654_321n);
    expect(time(".")).toBe(1_500_000_000_111_111_111n);
    // Sub-directories get the newest time of what is below them (spec 2 §10.2).
    expect(time("sub")).toBe(lstatSync(`${source}/sub/empty`, { bigint: true }).mtimeNs);
    expect((statSync(`${target}/sub`).mode & 0o7777).toString(8)).toBe("555");
    expect((statSync(`${target}/big`).mode & 0o7777).toString(8)).toBe("4750");
  });
});

test.each(["../escape", "..", ".", "", "a/b", "nul\0byte", "/abs"])(
  "an entry named %j is refused",
  async (name) => {
    await withBench(async ({ directory, session, restore }) => {
      for (const type of ["f", "s", "d"] as const) {
        const objectId = type === "d" ? forgeRoot(session, []).objectId : undefined;
        const root = forgeRoot(session, [
          { name: "fine" },
          { name, type, ...(objectId === undefined ? {} : { objectId }) },
        ]);
        const refused: unknown = await restore(root).catch((error: unknown) => error);
        expect(isKopiaError(refused, "RESTORE_UNSAFE_NAME")).toBe(true);
        const stats = await restore(root, { ignoreErrors: true });
        expect(stats).toMatchObject({ ignoredErrorCount: 1, restoredFileCount: 1 });
        expect(readdirSync(directory.path)).toEqual(["target"]);
        expect(readdirSync(directory.join("target"))).toEqual(["fine"]);
      }
    });
  },
);

test("a link in the way of a directory is refused, nothing is written through it", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const root = await store({ sub: { file: "1" }, other: "2" });
    mkdirSync(directory.join("outside"));
    mkdirSync(directory.join("target"));
    symlinkSync(directory.join("outside"), directory.join("target", "sub"));
    await expect(restore(root)).rejects.toThrow(/is a symbolic link/);
    const stats = await restore(root, { ignoreErrors: true });
    expect(stats.ignoredErrorCount).toBe(1);
    expect(readdirSync(directory.join("outside"))).toEqual([]);
    expect(readFileSync(directory.join("target", "other"), "utf8")).toBe("2");
  });
});

test("links, hard links and FIFOs in the way of a file are replaced, not written through", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const root = await store({ a: "new", b: "new", c: "new", d: "new" });
    const target = writeTree(directory.join("target"), { d: "old longer content" });
    const outside = directory.join("outside");
    writeFileSync(outside, "untouched");
    symlinkSync(outside, `${target}/a`);
    linkSync(outside, `${target}/b`);
    execFileSync("mkfifo", [`${target}/c`]);
    const inode = statSync(`${target}/d`).ino;
    await restore(root);
    for (const name of ["a", "b", "c", "d"]) {
      expect(lstatSync(`${target}/${name}`).isFile()).toBe(true);
      expect(readFileSync(`${target}/${name}`, "utf8")).toBe("new");
    }
    expect(readFileSync(outside, "utf8")).toBe("untouched");
    expect(statSync(`${target}/d`).ino).toBe(inode);
  });
});

test("what may not be overwritten is refused", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const root = await store({ file: "1", link: { link: "x" }, sub: { inner: "2" } });
    await restore(root);
    const refusal = async (flags: Flags): Promise<string> =>
      await restore(root, flags).then(
        () => "",
        (error: unknown) => (isKopiaError(error, "RESTORE_TARGET") ? error.message : String(error)),
      );
    expect(await refusal({ overwriteFiles: false })).toMatch(/target\/file exists already/);
    expect(await refusal({ overwriteFiles: false, writeFilesAtomically: true })).toMatch(
      /file exists/,
    );
    expect(await refusal({ overwriteSymlinks: false })).toMatch(/target\/link exists already/);
    expect(await refusal({ overwriteDirectories: false })).toMatch(
      /target exists and is not empty/,
    );
    const elsewhere = directory.join("elsewhere");
    writeTree(elsewhere, { sub: { kept: "3" } });
    expect(await refusal({ targetPath: directory.join("elsewhere", "sub", "kept") })).toMatch(
      /is not a directory/,
    );
    writeTree(directory.join("kinds"), { link: "a file", file: { dir: "1" } });
    expect(await refusal({ targetPath: directory.join("kinds") })).toMatch(
      /file is a directory|link exists and is not a symbolic link/,
    );
  });
});

test("skip-existing keeps files of the same size and nearly the same time, and any link", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const root = await store({
      same: "12345",
      older: "12345",
      longer: "12345",
      link: { link: "x" },
    });
    await restore(root);
    const target = directory.join("target");
    writeFileSync(`${target}/same`, "54321");
    writeFileSync(`${target}/older`, "54321");
    writeFileSync(`${target}/longer`, "543210");
    utimesSync(`${target}/older`, 5, 5);
    const time = statSync(directory.join("source0", "same")).mtimeMs / 1000;
    utimesSync(`${target}/same`, time + 1, time + 1);
    const stats = await restore(root, { skipExisting: true });
    expect(stats).toMatchObject({ skippedCount: 2, skippedBytes: 5, restoredFileCount: 2 });
    expect(readFileSync(`${target}/same`, "utf8")).toBe("54321");
    expect(readFileSync(`${target}/older`, "utf8")).toBe("12345");
    expect(readFileSync(`${target}/longer`, "utf8")).toBe("12345");
  });
});

test("delete-extra removes what the snapshot does not have, and never follows a link", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const root = await store({ kept: "1", sub: { inner: "2" }, swapped: { x: "3" } });
    const outside = writeTree(directory.join("outside"), { precious: "4" });
    writeTree(directory.join("target"), {
      kept: "old",
      extra: "5",
      gone: { deep: { deeper: "6" } },
      swapped: "a file now",
      link: { link: outside },
      sub: { inner: "old", more: "7", away: { link: outside } },
    });
    const stats = await restore(root, { deleteExtra: true });
    expect(stats).toMatchObject({
      deletedFileCount: 3,
      deletedDirectoryCount: 1,
      deletedSymlinkCount: 2,
    });
    expect(readdirSync(directory.join("target")).sort()).toEqual(["kept", "sub", "swapped"]);
    expect(readdirSync(directory.join("target", "sub"))).toEqual(["inner"]);
    expect(readdirSync(outside)).toEqual(["precious"]);
  });
});

test("atomic writing leaves no temporary file, even for the longest name", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const longest = "n".repeat(255);
    const root = await store({ [longest]: "1", other: "2" });
    writeTree(directory.join("target"), { other: "old" });
    await restore(root, { writeFilesAtomically: true });
    expect(readdirSync(directory.join("target")).sort()).toEqual([longest, "other"]);
    expect(readFileSync(directory.join("target", "other"), "utf8")).toBe("2");
  });
});

test("sparse writing leaves blocks of zeros out, also over an old file", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const data = new Uint8Array(12 * 2 ** 20);
    data.set(seededBytes(1, 5000), 3_000_001);
    const root = await store({ sparse: data, zeros: new Uint8Array(100_000), text: "abc" });
    writeTree(directory.join("target"), { sparse: seededBytes(2, 100_000) });
    await restore(root, { writeSparseFiles: true });
    const target = directory.join("target");
    expect(readFileSync(`${target}/sparse`).equals(data)).toBe(true);
    expect(readFileSync(`${target}/zeros`).equals(new Uint8Array(100_000))).toBe(true);
    expect(readFileSync(`${target}/text`, "utf8")).toBe("abc");
    expect(statSync(`${target}/sparse`).blocks * 512).toBeLessThan(2 ** 20);
  });
});

test("two entries of one name: the last is restored and the loss is told", async () => {
  await withBench(async ({ directory, session, restore }) => {
    const second = session.objects.writeObject(Buffer.from("second"));
    const root = forgeRoot(session, [
      { name: "bad\ufffd", nameBytes: Buffer.from("bad\xfe", "latin1") },
      {
        name: "bad\ufffd",
        nameBytes: Buffer.from("bad\xff", "latin1"),
        objectId: second,
        sizeBytes: 6n,
      },
    ]);
    const warnings: string[] = [];
    const stats = await restore(root, {
      observer: { warning: ({ error }) => warnings.push(error.message) },
    });
    expect(stats.collapsedEntryCount).toBe(1);
    expect(warnings).toEqual([expect.stringContaining("stands for several entries")]);
    expect(readFileSync(directory.join("target", "bad\ufffd"), "utf8")).toBe("second");
  });
});

test("a file shorter than its entry says is filled with a hole, as checkpoints have them", async () => {
  await withBench(async ({ directory, session, restore }) => {
    await restore(forgeRoot(session, [{ name: "partial", sizeBytes: 10_000n }]));
    expect(statSync(directory.join("target", "partial")).size).toBe(10_000);
  });
});

test("a missing content fails its file alone", async () => {
  await withBench(async ({ directory, session, restore }) => {
    const root = forgeRoot(session, [
      { name: "gone", objectId: "0".repeat(32) },
      { name: "gonelarge", objectId: `Ix${"0".repeat(32)}` },
      { name: "here" },
    ]);
    await expect(restore(root)).rejects.toThrow();
    const failed: string[] = [];
    const stats = await restore(root, {
      ignoreErrors: true,
      observer: { failed: ({ path }) => failed.push(path) },
    });
    expect(stats).toMatchObject({ ignoredErrorCount: 2, restoredFileCount: 1 });
    expect(failed.sort()).toEqual(["gone", "gonelarge"]);
    expect(readdirSync(directory.join("target"))).toEqual(["here"]);
  });
});

test("a single file is restored to the target path itself", async () => {
  await withBench(async ({ directory, store, restore }) => {
    const root = await store({ file: "whole", link: { link: "aim" } });
    void root;
    writeFileSync(directory.join("single"), "alone");
    const source = { userName: "user", host: "host", path: directory.join("single") };
    const { repository } = await memoryRepository();
    await using session = await repository.writeSession();
    const policyTree = createPolicyTree(DEFAULT_POLICY);
    const { rootEntry } = await uploadSnapshot({ session, source, policyTree });
    const targetPath = directory.join("new", "place");
    const output = createLocalOutput({ targetPath });
    await restoreTree({ repository: session, entry: rootEntry as DirectoryEntry, output });
    expect(readFileSync(targetPath, "utf8")).toBe("alone");
    expect(restore).toBeTypeOf("function");
  });
});

test("deep and wide trees need few open directories", async () => {
  await withBench(async ({ directory, store, restore }) => {
    let deep: TreeSpec = { leaf: "deep" };
    for (let level = 0; level < 300; level++) deep = { [`l${level}`]: deep, f: `${level}` };
    const wide = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`w${index}`, { file: `${index}` }]),
    );
    const root = await store({ deep, wide });
    const stats = await restore(root);
    expect(stats).toMatchObject({ restoredFileCount: 701, restoredDirectoryCount: 703 });
    execFileSync("diff", ["-r", directory.join("source0"), directory.join("target")]);
  });
});

test("an abort ends the restore", async () => {
  await withBench(async ({ store, restore }) => {
    const root = await store({ file: "1" });
    const controller = new AbortController();
    controller.abort(new Error("enough"));
    await expect(restore(root, { signal: controller.signal })).rejects.toThrow("enough");
  });
});
