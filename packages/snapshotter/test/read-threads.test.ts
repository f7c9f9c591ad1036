import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import {
  createFilesystemRepository,
  type ErrorCode,
  type Repository,
  isKopiaError,
  openFilesystemRepository,
} from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import {
  DEFAULT_POLICY,
  createLocalOutput,
  createPolicyTree,
  readDirectoryForRestore,
  restoreTree,
  uploadSnapshot,
  verifySnapshots,
  type DirectoryEntry,
  type LocalOutputOptions,
  type RestoreOptions,
  type VerifyOptions,
} from "../src/index.ts";
import type { StartThread } from "../src/threads/start-worker.ts";
import { tempDirectory, type TempDirectory } from "./temp-directory.ts";
import { writeTree, type TreeSpec } from "./write-tree.ts";

const CLIENT = { username: "user", hostname: "host" };
const PASSWORD = "threads";
/** Every job goes to a thread, started at once. */
const THREADS = { threads: 3, jobsBeforeThreads: 0 };
const MIB = 2 ** 20;

/** Small files of every kind, equal ones, links, many directories, and files of several contents with repeats. */
function mixedTree(): TreeSpec {
  const zeros = new Uint8Array(18 * MIB);
  const repeated = new Uint8Array(14 * MIB);
  repeated.set(seededBytes(3, 5 * MIB), 9 * MIB);
  const small = Object.fromEntries(
    Array.from({ length: 700 }, (_, i) => [`f${i}`, seededBytes(i % 500, (i * 37) % 3000)]),
  );
  const directories = Object.fromEntries(
    Array.from({ length: 150 }, (_, i) => [`d${i}`, { name: `text ${i}`, empty: "" }]),
  );
  const links = { link: { link: "nowhere" }, other: { link: "small/f1" } };
  return { zeros, repeated, large: seededBytes(9, 12 * MIB), small, ...directories, ...links };
}

interface Stored {
  readonly directory: TempDirectory;
  readonly repositoryPath: string;
  readonly sourcePath: string;
  readonly root: DirectoryEntry;
}

async function store(directory: TempDirectory, tree: TreeSpec): Promise<Stored> {
  const repositoryPath = directory.join("repository");
  const sourcePath = writeTree(directory.join("source"), tree);
  await using repository = await createFilesystemRepository({
    path: repositoryPath,
    password: PASSWORD,
    client: CLIENT,
  });
  await using session = await repository.writeSession();
  const source = { userName: "user", host: "host", path: sourcePath };
  const policyTree = createPolicyTree(DEFAULT_POLICY);
  const { rootEntry } = await uploadSnapshot({ session, source, policyTree });
  await session.flush();
  return { directory, repositoryPath, sourcePath, root: rootEntry as DirectoryEntry };
}

function open({ repositoryPath }: Stored, readOnly = false): Promise<Repository> {
  const client = { ...CLIENT, readOnly };
  return openFilesystemRepository({ path: repositoryPath, password: PASSWORD, client });
}

interface Row {
  readonly path: string;
  readonly what: string;
}

/** Times of directories are left out: a restored one takes that of the newest file below (spec 2 §10.2). */
function rowsOf(path: string, base = path): Row[] {
  const rows: Row[] = [];
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    const { mode, mtimeNs } = lstatSync(child, { bigint: true });
    const shownPath = child.slice(base.length);
    if (entry.isDirectory())
      rows.push({ path: shownPath, what: `${mode}` }, ...rowsOf(child, base));
    else if (entry.isSymbolicLink()) rows.push({ path: shownPath, what: "link" });
    else {
      const hash = createHash("sha256").update(readFileSync(child)).digest("hex");
      rows.push({ path: shownPath, what: `${mode} ${mtimeNs} ${hash}` });
    }
  }
  return rows;
}

type Flags = Partial<LocalOutputOptions> & Partial<Omit<RestoreOptions, "output" | "repository">>;

async function restore(
  repository: Repository,
  stored: Stored,
  flags: Flags = {},
): ReturnType<typeof restoreTree> {
  const output = createLocalOutput({ targetPath: stored.directory.join("target"), ...flags });
  return await restoreTree({ repository, entry: stored.root, output, threads: THREADS, ...flags });
}

/** Flips one bit in the middle of every data pack. */
function damagePacks({ repositoryPath }: Stored): void {
  for (const name of readdirSync(repositoryPath, { recursive: true, encoding: "utf8" })) {
    const path = join(repositoryPath, name);
    if (!isDataPack(name, path)) continue;
    const bytes = readFileSync(path);
    const at = bytes.length >> 1;
    const file = openSync(path, "r+");
    writeSync(file, Uint8Array.of((bytes[at] as number) ^ 1), 0, 1, at);
    closeSync(file);
  }
}

test("threads restore and verify everything as it was, from a read-only connection too", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, mixedTree());
  const expected = rowsOf(stored.sourcePath);
  await using repository = await open(stored, true);
  const stats = await restore(repository, stored);
  expect(rowsOf(directory.join("target"))).toEqual(expected);
  expect(stats).toMatchObject({ restoredFileCount: 1003, restoredSymlinkCount: 2 });
  expect(stats.restoredBytes).toBe(Number(stored.root.summary?.totalFileSizeBytes));
  const roots = [{ path: "root", entry: stored.root }];
  const options = { repository, roots, verifyFilesPercent: 100 };
  const alone = await verifySnapshots({ ...options, threads: { threads: 1 } });
  const together = await verifySnapshots({ ...options, threads: THREADS });
  expect(together).toEqual(alone);
  expect(together.errors).toEqual([]);
  // Again over what is there, with holes.
  await restore(repository, stored, { writeSparseFiles: true });
  expect(rowsOf(directory.join("target"))).toEqual(expected);
  const zeros = statSync(directory.join("target", "zeros"));
  expect(zeros.size).toBe(18 * MIB);
});

test("a file of zeros is restored with holes by threads", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, { zeros: new Uint8Array(20 * MIB) });
  await using repository = await open(stored);
  await restore(repository, stored, { writeSparseFiles: true });
  const { size, blocks } = statSync(directory.join("target", "zeros"));
  expect(size).toBe(20 * MIB);
  expect(blocks * 512).toBeLessThan(MIB);
});

test("the directories of large files stay open until these are whole, however many are entered meanwhile", async () => {
  using directory = tempDirectory();
  const branch = (seed: number): TreeSpec => ({
    large: seededBytes(seed, 9 * MIB),
    ...Object.fromEntries(
      Array.from({ length: 70 }, (_, i) => [`d${i}`, { inner: { f: `${i}` } }]),
    ),
  });
  const tree = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`b${i}`, branch(i + 20)]));
  const stored = await store(directory, tree);
  await using repository = await open(stored);
  await restore(repository, stored, { writeFilesAtomically: true });
  expect(rowsOf(directory.join("target"))).toEqual(rowsOf(stored.sourcePath));
});

test("a single large file is restored by threads", async () => {
  using directory = tempDirectory();
  const bytes = seededBytes(4, 21 * MIB);
  const stored = await store(directory, { file: bytes });
  await using repository = await open(stored);
  const { entries } = await listing(repository, stored.root.objectId);
  const target = directory.join("target");
  await restore(repository, { ...stored, root: entries[0] as DirectoryEntry });
  expect(readFileSync(target).equals(bytes)).toBe(true);
});

test("every damaged file is told as one thread tells it, and leaves nothing that looks whole", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, mixedTree());
  damagePacks(stored);
  await using repository = await open(stored);
  const roots = [{ path: "root", entry: stored.root }];
  const options: VerifyOptions = { repository, roots, verifyFilesPercent: 100, maxErrors: -1 };
  const alone = await verifySnapshots({ ...options, repository: withoutThreads(repository) });
  const together = await verifySnapshots({ ...options, threads: THREADS });
  expect(alone.errors.length).toBeGreaterThan(0);
  expect(sorted(together.errors)).toEqual(sorted(alone.errors));
  expect(together.stats).toEqual(alone.stats);

  const failed: string[] = [];
  const observer = { failed: ({ path }: { path: string }): void => void failed.push(`/${path}`) };
  const stats = await restore(repository, stored, { ignoreErrors: true, observer });
  expect(stats.ignoredErrorCount).toBe(failed.length);
  const restored = new Map(rowsOf(directory.join("target")).map((row) => [row.path, row.what]));
  for (const { path, what } of rowsOf(stored.sourcePath)) {
    expect(restored.get(path)).toBe(failed.includes(path) ? undefined : what);
  }
  expect(failed.length).toBeGreaterThanOrEqual(alone.errors.length);
});

test("without ignoring errors the first one ends a restore, and no file is half there", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, { large: seededBytes(9, 30 * MIB) });
  damagePacks(stored);
  await using repository = await open(stored);
  await expectCode(restore(repository, stored), "CONTENT_CORRUPT");
  expect(existsSync(directory.join("target", "large"))).toBe(false);
});

test("what stands in the way is told by name, whichever thread meets it", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, { a: "1", b: "2" });
  writeTree(directory.join("target"), { b: "mine" });
  await using repository = await open(stored);
  const error = await restore(repository, stored, { overwriteFiles: false }).catch(
    (failure: unknown) => failure,
  );
  expect(isKopiaError(error, "RESTORE_TARGET") && error.message).toMatch(/b exists already/);
  expect(readFileSync(directory.join("target", "b"), "utf8")).toBe("mine");
});

test("threads that crash, or do not start, cost time only", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, mixedTree());
  let startedCount = 0;
  const startThread: StartThread = (_init, listener) => {
    startedCount++;
    setImmediate(() => listener.crashed());
    return { post: () => undefined, terminate: () => Promise.resolve() };
  };
  await using repository = await open(stored);
  const threads = { ...THREADS, startThread };
  await restore(repository, stored, { threads });
  expect(rowsOf(directory.join("target"))).toEqual(rowsOf(stored.sourcePath));
  const roots = [{ path: "root", entry: stored.root }];
  const { stats, errors } = await verifySnapshots({
    repository,
    roots,
    verifyFilesPercent: 100,
    threads,
  });
  expect(errors).toEqual([]);
  expect(stats.readBytes).toBe(stats.processedBytes);
  expect(startedCount).toBe(4);
});

test("an abort ends restore and verification, and leaves no half-written file", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, { large: seededBytes(9, 30 * MIB) });
  await using repository = await open(stored);
  const controller = new AbortController();
  const observer = {
    progress: ({ restoredBytes }: { restoredBytes: number }): void => {
      if (restoredBytes > 0) controller.abort(new Error("enough"));
    },
  };
  await expect(
    restore(repository, stored, { signal: controller.signal, observer }),
  ).rejects.toThrow("enough");
  expect(existsSync(directory.join("target", "large"))).toBe(false);
  const roots = [{ path: "root", entry: stored.root }];
  const options = { repository, roots, verifyFilesPercent: 100, threads: THREADS };
  await expect(verifySnapshots({ ...options, signal: controller.signal })).rejects.toThrow(
    "enough",
  );
});

test("the caller may choose which files are read", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, { a: "1", b: "22", c: "333" });
  await using repository = await open(stored);
  const { entries } = await listing(repository, stored.root.objectId);
  const chosen = entries[1]?.objectId;
  const { stats } = await verifySnapshots({
    repository,
    roots: [{ path: "root", entry: stored.root }],
    shouldReadFile: (objectId) => objectId === chosen,
  });
  expect(stats).toMatchObject({ readFileCount: 1, readBytes: 2 });
});

test("a pack that is too short for its contents is told by both ways of reading", async () => {
  using directory = tempDirectory();
  const stored = await store(directory, { large: seededBytes(9, 12 * MIB) });
  for (const name of readdirSync(stored.repositoryPath, { recursive: true, encoding: "utf8" })) {
    const path = join(stored.repositoryPath, name);
    if (isDataPack(name, path)) truncateSync(path, statSync(path).size >> 1);
  }
  await using repository = await open(stored);
  await expectCode(restore(repository, stored), "STORAGE_RANGE");
  expect(existsSync(directory.join("target", "large"))).toBe(false);
});

function isDataPack(name: string, path: string): boolean {
  return /^p[0-9a-f/_]+/.test(name) && statSync(path).isFile();
}

function withoutThreads({ objects, contents, storage }: Repository): VerifyOptions["repository"] {
  return { objects, contents, storage };
}

function sorted(errors: readonly { readonly path: string; readonly message: string }[]): string[] {
  return errors.map(({ path, message }) => `${path}: ${message}`).sort();
}

async function expectCode(running: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await running.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(isKopiaError(error) ? error.code : error).toBe(code);
}

async function listing(
  repository: Repository,
  objectId: string,
): Promise<{ readonly entries: readonly DirectoryEntry[] }> {
  return await readDirectoryForRestore(repository.objects, objectId);
}
