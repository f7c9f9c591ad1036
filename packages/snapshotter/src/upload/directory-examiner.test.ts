import { chmodSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import {
  collectAsync,
  createFilesystemRepository,
  openFilesystemRepository,
  type Repository,
} from "@kopia-engine/kopia-format";
import { expect, test } from "vitest";
import { type TempDirectory, tempDirectory } from "../../test/temp-directory.ts";
import { type TreeSpec, writeTree } from "../../test/write-tree.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { createPolicyTree } from "../policy/policy-tree.ts";
import { DEFAULT_POLICY } from "../policy/policy.ts";
import type { ReadThreadOptions } from "../threads/read-threads.ts";
import { workerStarter } from "../threads/start-worker.ts";
import type { UploadOptions } from "./upload-options.ts";
import { uploadSnapshot } from "./upload-snapshot.ts";

const PASSWORD = "examined";
const client = { username: "user", hostname: "host" };
const startThread = workerStarter(new URL("./examine-worker.ts", import.meta.url));

/** How many threads there are, and what becomes of them. */
const THREADS: Record<string, ReadThreadOptions> = {
  "this thread alone": { threads: 1 },
  "a worker": { threads: 2, startThread, jobsBeforeThreads: 0 },
  "a worker that ends at once": {
    threads: 2,
    jobsBeforeThreads: 0,
    startThread: (_init, listener) => {
      setImmediate(() => listener.crashed());
      return { post: () => undefined, terminate: () => Promise.resolve() };
    },
  },
};

interface World extends AsyncDisposable {
  readonly directory: TempDirectory;
  readonly source: string;
  readonly snapshot: (
    threads: ReadThreadOptions,
    previous: readonly SnapshotManifest[],
    options?: Partial<UploadOptions>,
  ) => Promise<SnapshotManifest>;
  /** Opens the repository again, without what was in memory. */
  readonly reopen: () => Promise<void>;
}

async function world(tree: TreeSpec): Promise<World> {
  const directory = tempDirectory();
  const source = writeTree(directory.join("source"), tree);
  const path = directory.join("repo");
  let repository: Repository = await createFilesystemRepository({
    path,
    password: PASSWORD,
    client,
  });
  return {
    directory,
    source,
    async snapshot(examineThreads, previousSnapshots, options = {}) {
      await using session = await repository.writeSession();
      const manifest = await uploadSnapshot({
        session,
        source: { userName: "user", host: "host", path: source },
        policyTree: createPolicyTree(DEFAULT_POLICY),
        previousSnapshots,
        examineThreads,
        ...options,
      });
      await session.flush();
      return manifest;
    },
    async reopen() {
      await repository.close();
      repository = await openFilesystemRepository({ path, password: PASSWORD, client });
    },
    async [Symbol.asyncDispose]() {
      await repository.close();
      directory[Symbol.dispose]();
    },
  };
}

/** Many directories of many files, in several levels. */
function manyDirectories(): TreeSpec {
  const tree: Record<string, TreeSpec> = {};
  for (let d = 0; d < 30; d++) {
    const files: Record<string, string> = {};
    for (let f = 0; f < 40; f++) files[`file ${f}`] = f % 10 === 0 ? `${d} ${f}` : "";
    const below = { "file x": `${d}`, deep: { deeper: { end: `${d}` } }, empty: {} };
    tree[`directory ${d}`] = d % 5 === 0 ? { ...files, ...below } : files;
  }
  return tree;
}

test.each(Object.keys(THREADS))(
  "directories that changed, and those that did not, examined by %s",
  async (name) => {
    await using at = await world(manyDirectories());
    const threads = THREADS[name] as ReadThreadOptions;
    const first = await at.snapshot(threads, []);
    const { fileCount } = first.rootEntry?.summary ?? {};
    const same = await at.snapshot(threads, [first]);
    expect(same.rootEntry).toEqual(first.rootEntry);
    expect(same.stats).toMatchObject({ cachedFileCount: fileCount, nonCachedFileCount: 0 });
    expect(same.stats.directoryCount).toBe(first.stats.directoryCount);
    const { source } = at;
    writeFileSync(`${source}/directory 7/file 7`, "changed");
    rmSync(`${source}/directory 8/file 8`);
    writeTree(`${source}/directory 9`, { more: { deep: "deep" } });
    writeTree(`${source}/directory 11`, { ".kopiaignore": "file 1\n" });
    const tag = "Signature: 8a477f597d28d172789f06886806bc55\n";
    writeTree(`${source}/directory 12`, { "CACHEDIR.TAG": tag });
    const { mtime } = statSync(`${source}/directory 13`);
    chmodSync(`${source}/directory 13/file 3`, 0o600);
    utimesSync(`${source}/directory 13`, mtime, mtime);
    rmSync(`${source}/directory 15`, { recursive: true });
    writeTree(source, { "directory 15": "now a file", "directory new": { file: "new" } });
    const again = await at.snapshot(threads, [same, first]);
    const fresh = await at.snapshot({ threads: 1 }, []);
    expect(again.rootEntry).toEqual(fresh.rootEntry);
    expect(again.stats.nonCachedFileCount).toBeLessThan(10);
    // The next one finds everything as it is, rules and all.
    const next = await at.snapshot(threads, [again]);
    expect(next.rootEntry).toEqual(again.rootEntry);
    expect(next.stats.nonCachedFileCount).toBe(0);
  },
);

test.each(Object.keys(THREADS))(
  "an upload that is stopped while %s examines keeps what is finished",
  async (name) => {
    await using at = await world(manyDirectories());
    const threads = THREADS[name] as ReadThreadOptions;
    const first = await at.snapshot(threads, []);
    const stop = new AbortController();
    const stopped = await at.snapshot(threads, [first], {
      signal: stop.signal,
      observer: { directoryDone: () => stop.abort() },
    });
    expect(stopped.incompleteReason).toBe("canceled");
    expect(stopped.rootEntry?.summary?.fileCount).toBeLessThan(1000);
    const next = await at.snapshot(threads, [stopped, first]);
    expect(next.rootEntry).toEqual(first.rootEntry);
  },
);

test("files whose contents the index has lost are read again", async () => {
  await using at = await world({ a: { one: "1", two: "2" }, b: { three: "3" } });
  const threads = { threads: 1 };
  const first = await at.snapshot(threads, []);
  const indexes = `${at.directory.path}/repo/x`;
  const before = await collectAsync(filesBelow(indexes));
  writeFileSync(`${at.source}/a/more`, "more");
  const second = await at.snapshot(threads, [first]);
  for (const path of before) rmSync(path);
  await at.reopen();
  const third = await at.snapshot(threads, [second]);
  // Directory `b` lost its listing as well.
  expect(third.stats).toMatchObject({ cachedFileCount: 1, nonCachedFileCount: 3 });
  expect(third.rootEntry).toEqual(second.rootEntry);
});

async function* filesBelow(path: string): AsyncGenerator<string> {
  const { glob } = await import("node:fs/promises");
  for await (const entry of glob(`${path}/**/*`, { withFileTypes: true })) {
    if (entry.isFile()) yield `${entry.parentPath}/${entry.name}`;
  }
}
