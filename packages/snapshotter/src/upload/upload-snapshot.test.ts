import { chmodSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { isKopiaError, type Repository, type WriteSession } from "@kopia-engine/kopia-format";
import { FakeClock, seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { memoryRepository } from "../../test/memory-repository.ts";
import { type TempDirectory, tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { resolveObjectPath } from "../fs/object-path.ts";
import { readDirectory } from "../fs/read-directory.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY, type Policy } from "../policy/policy.ts";
import { createInlineExecutor } from "./inline-executor.ts";
import type { UploadExecutor } from "./upload-executor.ts";
import type { UploadOptions } from "./upload-options.ts";
import { uploadSnapshot } from "./upload-snapshot.ts";

interface Bench {
  readonly directory: TempDirectory;
  readonly repository: Repository;
  readonly session: WriteSession;
  readonly upload: (options?: Partial<UploadOptions>) => Promise<SnapshotManifest>;
}

const policyTree = createPolicyTree(DEFAULT_POLICY);

async function withBench(
  run: (bench: Bench) => Promise<void>,
  clock = new FakeClock(),
): Promise<void> {
  using directory = tempDirectory();
  const { repository } = await memoryRepository({ clock });
  await using session = await repository.writeSession();
  const path = directory.join("source");
  const source = { userName: "user", host: "host", path };
  const upload = (options: Partial<UploadOptions> = {}): Promise<SnapshotManifest> =>
    uploadSnapshot({ session, source, policyTree, ...options });
  await run({ directory, repository, session, upload });
  await repository.close();
}

async function namesOf(repository: Pick<Repository, "objects">, objectId = ""): Promise<string[]> {
  return (await readDirectory(repository.objects, objectId)).entries.map(({ name }) => name);
}

test("stores a tree: directories first, sizes, summary and stats", async () => {
  await withBench(async ({ directory, session, upload }) => {
    writeTree(directory.join("source"), {
      b: "bb",
      a: { c: "ccc", empty: {} },
      link: { link: "some/target" },
      big: seededBytes(1, 3_000_000),
    });
    const { rootEntry, stats, incompleteReason } = await upload();
    expect(incompleteReason).toBe("");
    expect(rootEntry?.name).toBe("source");
    expect(await namesOf(session, rootEntry?.objectId)).toEqual(["a", "b", "big", "link"]);
    expect(rootEntry?.summary).toMatchObject({
      totalFileSizeBytes: 3_000_005n,
      fileCount: 3,
      symlinkCount: 1,
      directoryCount: 3,
      fatalErrorCount: 0,
    });
    expect(stats).toMatchObject({
      totalFileSizeBytes: 3_000_005n,
      fileCount: 3,
      cachedFileCount: 0,
      nonCachedFileCount: 3,
      directoryCount: 3,
    });
    const [, , big, link] = (await readDirectory(session.objects, rootEntry?.objectId ?? ""))
      .entries;
    expect(await session.objects.readObject(big?.objectId ?? "")).toEqual(
      seededBytes(1, 3_000_000),
    );
    expect(Buffer.from(await session.objects.readObject(link?.objectId ?? "")).toString()).toBe(
      "some/target",
    );
    expect(link?.sizeBytes).toBe(11n);
  });
});

test("what has not changed is taken from the previous snapshot, what has is read", async () => {
  await withBench(async ({ directory, upload }) => {
    const path = writeTree(directory.join("source"), {
      kept: "1",
      changed: "1",
      sub: { same: "x" },
    });
    const first = await upload();
    const unchanged = await upload({ previousSnapshots: [first] });
    expect(unchanged.rootEntry).toEqual(first.rootEntry);
    expect(unchanged.stats).toMatchObject({
      cachedFileCount: 3,
      nonCachedFileCount: 0,
      fileCount: 0,
    });

    writeFileSync(`${path}/changed`, "22");
    writeFileSync(`${path}/added`, "3");
    const second = await upload({ previousSnapshots: [unchanged] });
    expect(second.stats).toMatchObject({ cachedFileCount: 2, nonCachedFileCount: 2 });
    expect(second.rootEntry?.objectId).not.toBe(first.rootEntry?.objectId);
    const fresh = await upload();
    expect(second.rootEntry).toEqual(fresh.rootEntry);

    const forced = await upload({ previousSnapshots: [second], forceHashPercent: 100 });
    expect(forced.stats).toMatchObject({ cachedFileCount: 0, nonCachedFileCount: 4 });
  });
});

test.each([
  ["mode", (path: string) => chmodSync(path, 0o600)],
  ["time", (path: string) => utimesSync(path, 1, 1)],
  ["size", (path: string) => writeFileSync(path, "longer")],
])("a changed %s makes a file be read again", async (_what, change) => {
  await withBench(async ({ directory, upload }) => {
    const path = writeTree(directory.join("source"), { file: "x" });
    chmodSync(`${path}/file`, 0o644);
    const first = await upload();
    change(`${path}/file`);
    expect((await upload({ previousSnapshots: [first] })).stats.nonCachedFileCount).toBe(1);
  });
});

test("an entry whose content the index has lost is read again", async () => {
  await withBench(async ({ directory, session, upload }) => {
    writeTree(directory.join("source"), { file: "precious" });
    const first = await upload();
    const [file] = (await readDirectory(session.objects, first.rootEntry?.objectId ?? "")).entries;
    const contents = new Proxy(session.contents, {
      get(target, key) {
        if (key === "getContentInfo") {
          return (id: string) => (id === file?.objectId ? undefined : target.getContentInfo(id));
        }
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const lossy = Object.create(session, { contents: { value: contents } }) as WriteSession;
    const second = await upload({ session: lossy, previousSnapshots: [first] });
    expect(second.stats).toMatchObject({ cachedFileCount: 0, nonCachedFileCount: 1 });
    expect(second.rootEntry).toEqual(first.rootEntry);
  });
});

test("a file that grows or shrinks while it is listed has the size that was read", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const path = writeTree(directory.join("source"), { grows: "12345", shrinks: "12345" });
    const inner = createInlineExecutor(session);
    const executor: UploadExecutor = {
      concurrency: 1,
      execute(batch, observer) {
        writeFileSync(`${path}/grows`, "1234567");
        writeFileSync(`${path}/shrinks`, "12");
        return inner.execute(batch, observer);
      },
    };
    const { rootEntry } = await upload({ executor });
    const { entries } = await readDirectory(session.objects, rootEntry?.objectId ?? "");
    expect(entries.map(({ sizeBytes }) => sizeBytes)).toEqual([7n, 2n]);
    expect(rootEntry?.summary?.totalFileSizeBytes).toBe(9n);
  });
});

test("a file that vanished is a failed entry, and the rest is stored", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const path = writeTree(directory.join("source"), { sub: { gone: "1" }, stays: "2" });
    const inner = createInlineExecutor(session);
    const executor: UploadExecutor = {
      concurrency: 1,
      execute(batch, observer) {
        rmSync(`${path}/sub/gone`);
        return inner.execute(batch, observer);
      },
    };
    const failed: string[] = [];
    const observer = { failed: (failure: { path: string }) => failed.push(failure.path) };
    const { rootEntry, stats } = await upload({ executor, observer });
    expect(failed).toEqual(["sub/gone"]);
    expect(stats).toMatchObject({ errorCount: 1, nonCachedFileCount: 2, fileCount: 1 });
    expect(rootEntry?.summary).toMatchObject({
      fatalErrorCount: 1,
      failedEntries: [
        {
          path: "sub/gone",
          error: `unable to open file: unable to open local file: open ${path}/sub/gone: no such file or directory`,
        },
      ],
    });

    writeTree(path, { sub: { gone: "1" } });
    const ignoring: Policy = { ...DEFAULT_POLICY, errorHandling: { ignoreFileErrors: true } };
    const ignored = await upload({ executor, policyTree: createPolicyTree(ignoring) });
    expect(ignored.rootEntry?.summary).toMatchObject({ fatalErrorCount: 0, ignoredErrorCount: 1 });

    writeTree(path, { sub: { gone: "1" } });
    await expect(upload({ executor, failFast: true })).rejects.toThrow(
      /^sub\/gone: unable to open/,
    );
  });
});

test("a file that was replaced by a link or a FIFO is neither followed nor waited for", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const path = writeTree(directory.join("source"), { file: "1", other: "2" });
    const inner = createInlineExecutor(session);
    const executor: UploadExecutor = {
      concurrency: 1,
      execute(batch, observer) {
        rmSync(`${path}/file`);
        rmSync(`${path}/other`);
        writeTree(path, { file: { link: "/etc/passwd" } });
        execFileSync("mkfifo", [`${path}/other`]);
        return inner.execute(batch, observer);
      },
    };
    const { rootEntry } = await upload({ executor });
    expect(rootEntry?.summary?.failedEntries).toEqual([
      {
        path: "file",
        error: `unable to open file: unable to open local file: open ${path}/file: too many levels of symbolic links`,
      },
    ]);
    const [other] = (await readDirectory(session.objects, rootEntry?.objectId ?? "")).entries;
    expect(other).toMatchObject({ name: "other", sizeBytes: 0n });
  });
});

test("FIFOs vanish without a trace, or fail where the policy wants to know", async () => {
  await withBench(async ({ directory, upload }) => {
    const path = writeTree(directory.join("source"), { file: "1" });
    execFileSync("mkfifo", [`${path}/fifo`]);
    expect((await upload()).rootEntry?.summary).toMatchObject({ fileCount: 1, failedEntries: [] });
    const strict: Policy = { ...DEFAULT_POLICY, errorHandling: { ignoreUnknownTypes: false } };
    const { rootEntry } = await upload({ policyTree: createPolicyTree(strict) });
    expect(rootEntry?.summary?.failedEntries).toEqual([
      { path: "fifo", error: "unknown or unsupported entry type" },
    ]);
  });
});

test("ignore rules and cache directories leave entries out", async () => {
  await withBench(async ({ directory, session, upload }) => {
    writeTree(directory.join("source"), {
      ".kopiaignore": "*.tmp\n",
      "a.tmp": "1",
      kept: "2",
      cache: { "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n", data: "3" },
    });
    const excluded: string[] = [];
    const { rootEntry, stats } = await upload({
      observer: { excluded: (path) => excluded.push(path) },
    });
    expect(await namesOf(session, rootEntry?.objectId)).toEqual(["cache", ".kopiaignore", "kept"]);
    expect(excluded).toEqual(["a.tmp", "cache"]);
    expect(stats).toMatchObject({ excludedFileCount: 1, excludedDirectoryCount: 1 });
    const { entry } = await resolveObjectPath(session, `${rootEntry?.objectId}/cache`);
    expect(entry.summary).toMatchObject({ fileCount: 0, directoryCount: 1 });
  });
});

test("the policy of a folder decides about its own files alone", async () => {
  await withBench(async ({ directory, session, upload }) => {
    writeTree(directory.join("source"), { sub: { "x.log": "1", y: "2" }, "x.log": "3" });
    const below: Policy = { ...DEFAULT_POLICY, files: { ignore: ["*.log"] } };
    const { rootEntry } = await upload({
      policyTree: createPolicyTree(DEFAULT_POLICY, new Map([["sub", below]])),
    });
    expect(await namesOf(session, rootEntry?.objectId)).toEqual(["sub", "x.log"]);
    const { entry } = await resolveObjectPath(session, `${rootEntry?.objectId}/sub`);
    expect(await namesOf(session, entry.objectId)).toEqual(["y"]);
  });
});

test("large files are stored in parts above the threshold", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const data = seededBytes(2, 2_500_000);
    writeTree(directory.join("source"), { big: data, exact: data.subarray(0, 2_000_000) });
    const cut: Policy = { ...DEFAULT_POLICY, upload: { parallelUploadAboveSize: 1_000_000n } };
    const { rootEntry, stats } = await upload({ policyTree: createPolicyTree(cut) });
    expect(stats).toMatchObject({ fileCount: 6, totalFileSizeBytes: 4_500_000n });
    const { entries } = await readDirectory(session.objects, rootEntry?.objectId ?? "");
    const [big, exact] = entries;
    const pieces = await session.objects.objectPieces(big?.objectId ?? "");
    expect(pieces.map(({ lengthBytes }) => lengthBytes)).toEqual([1_000_000, 1_000_000, 500_000]);
    expect(await session.objects.readObject(big?.objectId ?? "")).toEqual(data);
    expect(await session.objects.readObject(exact?.objectId ?? "")).toEqual(
      data.subarray(0, 2_000_000),
    );
  });
});

test("names that are not UTF-8 are stored with one replacement character a byte, never reused", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const path = writeTree(directory.join("source"), { plain: "1" });
    writeFileSync(
      Buffer.concat([Buffer.from(`${path}/bad`), Buffer.from([0xff, 0xe2, 0x82])]),
      "2",
    );
    mkdirSync(Buffer.concat([Buffer.from(`${path}/dir`), Buffer.from([0xc3])]));
    writeFileSync(
      Buffer.concat([Buffer.from(`${path}/dir`), Buffer.from([0xc3]), Buffer.from("/in")]),
      "3",
    );
    const first = await upload();
    expect(await namesOf(session, first.rootEntry?.objectId)).toEqual([
      "dir\ufffd",
      "bad\ufffd\ufffd\ufffd",
      "plain",
    ]);
    const second = await upload({ previousSnapshots: [first] });
    expect(second.rootEntry).toEqual(first.rootEntry);
    expect(second.stats).toMatchObject({ cachedFileCount: 1, nonCachedFileCount: 2 });
  });
});

test("a single file is its own root", async () => {
  await withBench(async ({ directory, upload }) => {
    writeTree(directory.path, { source: "just me" });
    const { rootEntry, stats } = await upload();
    expect(rootEntry).toMatchObject({ name: "source", type: "f", sizeBytes: 7n });
    expect(rootEntry?.summary).toMatchObject({ fileCount: 1, directoryCount: 0 });
    expect(stats).toMatchObject({ fileCount: 1, nonCachedFileCount: 0, directoryCount: 0 });
  });
});

test("a link is followed for the source itself, and the root is named after what it leads to", async () => {
  await withBench(async ({ directory, upload }) => {
    writeTree(directory.path, { real: { file: "1" }, source: { link: "real" } });
    const { rootEntry } = await upload();
    expect(rootEntry).toMatchObject({ name: "real", type: "d" });
  });
});

test("a source that is not there, or no file or directory, is refused", async () => {
  await withBench(async ({ directory, upload }) => {
    await expect(upload()).rejects.toThrow(/^failed to prepare source: .*lstat .*: no such file/);
    writeTree(directory.path, { source: { link: "nowhere" } });
    const dangling: unknown = await upload().catch((error: unknown) => error);
    expect(isKopiaError(dangling, "SOURCE_UNREADABLE") && dangling.details["kind"]).toBe(
      "dangling",
    );
    rmSync(directory.join("source"));
    execFileSync("mkfifo", [directory.join("source")]);
    await expect(upload()).rejects.toThrow(/^upload error: unsupported source: user@host:/);
  });
});

test("bad patterns fail the root, but only lose a directory below it", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const path = writeTree(directory.join("source"), {
      sub: { ".kopiaignore": "abc[" },
      kept: "1",
    });
    const { rootEntry } = await upload();
    expect(await namesOf(session, rootEntry?.objectId)).toEqual(["kept"]);
    expect(rootEntry?.summary?.failedEntries[0]).toMatchObject({
      path: "sub",
      error: expect.stringContaining("unable to parse ignore file .kopiaignore") as string,
    });
    renameSync(`${path}/sub/.kopiaignore`, `${path}/.kopiaignore`);
    await expect(upload()).rejects.toThrow('upload error: invalid pattern "abc["');
  });
});

test("the limit and a cancellation leave a snapshot of what was done", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`f${index}`, seededBytes(index, 100_000)]),
    );
    writeTree(directory.join("source"), { sub: files });
    const limited = await upload({ uploadLimitBytes: 1_000_000 });
    expect(limited.incompleteReason).toBe("limit reached");
    expect(limited.rootEntry?.summary?.incomplete).toBe("limit reached");
    expect(limited.stats.fileCount).toBeGreaterThanOrEqual(10);
    expect(limited.stats.fileCount).toBeLessThan(30);

    const controller = new AbortController();
    controller.abort();
    const canceled = await upload({ signal: controller.signal });
    expect(canceled.incompleteReason).toBe("canceled");
    expect(canceled.rootEntry?.summary?.incomplete).toBe("canceled");
    expect(await namesOf(session, canceled.rootEntry?.objectId)).toEqual([]);

    const resumed = await upload({ previousSnapshots: [limited] });
    expect(resumed.stats.cachedFileCount).toBe(limited.stats.fileCount);
    expect(resumed.incompleteReason).toBe("");
  });
});

test("checkpoints hold what is finished, and partial files under names that never match", async () => {
  const clock = new FakeClock();
  await withBench(async ({ directory, repository, session, upload }) => {
    writeTree(directory.join("source"), {
      sub: { done: "1" },
      large: seededBytes(3, 70 * 2 ** 20),
    });
    let pieces = 0;
    const inner = createInlineExecutor(session);
    const executor: UploadExecutor = {
      concurrency: 1,
      execute: (batch, observer) =>
        inner.execute(batch, {
          ...observer,
          pause: async (partial) => {
            if (partial !== undefined && ++pieces === 2) clock.advance(46n * 60n * 1_000_000_000n);
            await observer.pause(partial);
          },
        }),
    };
    const { incompleteReason, rootEntry } = await upload({ executor });
    expect(incompleteReason).toBe("");
    const [checkpoint, ...more] = await listSnapshots(repository.manifests);
    expect(more).toEqual([]);
    expect(checkpoint).toMatchObject({ incompleteReason: "checkpoint", tags: {}, pins: [] });
    expect(checkpoint?.rootEntry?.summary?.incomplete).toBe("checkpoint");
    const { entries } = await readDirectory(session.objects, checkpoint?.rootEntry?.objectId ?? "");
    const partial = entries.find(({ type }) => type === "f");
    expect(partial?.name).toMatch(/^\.checkpointed\.large\.[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
    expect(partial?.sizeBytes).toBe(70n * 2n ** 20n);
    const stored = await session.objects.openObject(partial?.objectId ?? "");
    expect(stored.lengthBytes).toBeGreaterThan(2 ** 25);
    expect(stored.lengthBytes).toBeLessThan(70 * 2 ** 20);
    expect(rootEntry?.summary).toMatchObject({ fileCount: 2 });
  }, clock);
});

test("many directories and batches: every file arrives once", async () => {
  await withBench(async ({ directory, session, upload }) => {
    const tree: Record<string, Record<string, string>> = {};
    for (let d = 0; d < 60; d++) {
      const files: Record<string, string> = {};
      for (let f = 0; f < 30; f++) files[`file${f}`] = `content ${d} ${f % 7}`;
      tree[`dir${d}`] = files;
    }
    writeTree(directory.join("source"), tree);
    const done: string[] = [];
    const inner = createInlineExecutor(session);
    // Two batches at a time, finished in the wrong order.
    let first: Promise<unknown> = Promise.resolve();
    const executor: UploadExecutor = {
      concurrency: 3,
      async execute(batch, observer) {
        const result = inner.execute(batch, observer);
        const before = first;
        first = result;
        await before;
        return await result;
      },
    };
    const { rootEntry } = await upload({
      executor,
      observer: { directoryDone: (path) => done.push(path) },
    });
    expect(rootEntry?.summary).toMatchObject({ fileCount: 1800, directoryCount: 61 });
    expect(done.length).toBe(61);
    expect(done.at(-1)).toBe(".");
    expect(new Set(done).size).toBe(61);
  });
});
