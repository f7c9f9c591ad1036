import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, rmSync, truncateSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  collectAsync,
  createFilesystemRepository,
  openFilesystemRepository,
  openThreadSession,
  type KopiaError,
  type Repository,
} from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import { type TempDirectory, tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { verifySnapshots } from "../verify/verify-snapshots.ts";
import { createAdaptiveExecutor } from "./adaptive-executor.ts";
import { createSnapshot, type CreateSnapshotOptions } from "./create-snapshot.ts";
import { startUploadWorker, type StartUploadThread } from "./start-upload-worker.ts";
import type { FromUploadThread } from "./thread-messages.ts";
import { UploadThread, failure } from "./upload-thread.ts";

const PASSWORD = "threads";
const client = { username: "user", hostname: "host" };

/** A thread that is none: the same code, with messages that are copied as between threads. */
const startHere: StartUploadThread = (init, listener) => {
  const { setup, grant, stop } = init;
  let isRunning = true;
  const post = (message: FromUploadThread, transfer: readonly ArrayBuffer[] = []): void => {
    const copy = structuredClone(message, { transfer: [...transfer] });
    setImmediate(() => isRunning && listener.message(copy));
  };
  const thread = openThreadSession(structuredClone(setup), grant).then(
    (session) => new UploadThread({ session, stop, post }),
  );
  return {
    post(message) {
      const copy = structuredClone(message);
      setImmediate(() => {
        thread.then(
          (opened) => isRunning && opened.receive(copy),
          (error: unknown) => post(failure(error)),
        );
      });
    },
    async terminate() {
      isRunning = false;
      await thread.catch(() => undefined);
    },
  };
};

interface Bench extends AsyncDisposable {
  readonly directory: TempDirectory;
  readonly repository: Repository;
  readonly snapshot: (
    startThread: StartUploadThread | undefined,
    options?: Partial<CreateSnapshotOptions>,
  ) => Promise<SnapshotManifest>;
}

/** A bench with a new repository, or with a copy of one, which gives contents the same IDs. */
async function openBench(copied?: Bench): Promise<Bench> {
  const directory = tempDirectory();
  const path = directory.join("repo");
  if (copied !== undefined) {
    cpSync(copied.directory.join("repo"), path, { recursive: true });
    cpSync(copied.directory.join("source"), directory.join("source"), {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
    });
  }
  const open = copied === undefined ? createFilesystemRepository : openFilesystemRepository;
  const repository = await open({ path, password: PASSWORD, client });
  return {
    directory,
    repository,
    snapshot: (startThread, options) => snapshot({ directory, repository, startThread }, options),
    async [Symbol.asyncDispose]() {
      await repository.close();
      directory[Symbol.dispose]();
    },
  };
}

async function snapshot(
  bench: {
    readonly directory: TempDirectory;
    readonly repository: Repository;
    readonly startThread: StartUploadThread | undefined;
  },
  options: Partial<CreateSnapshotOptions> = {},
): Promise<SnapshotManifest> {
  const { directory, repository, startThread } = bench;
  await using session = await repository.writeSession();
  const path = directory.join("source");
  const executor =
    startThread === undefined
      ? undefined
      : createAdaptiveExecutor({
          session,
          maxThreads: 2,
          startThread,
          itemsBeforeThreads: 1,
        });
  const { manifest } = await createSnapshot(session, {
    source: { userName: "user", host: "host", path },
    timeZone: "UTC",
    ...(executor === undefined ? {} : { executor }),
    ...options,
  });
  await session.flush();
  return manifest;
}

/** Directories of small files, many of them alike, with three large ones, links, and one unreadable. */
function writeSource(directory: TempDirectory): void {
  const tree: Record<string, unknown> = { link: { link: "a/target" }, empty: {} };
  for (let d = 0; d < 24; d++) {
    const files: Record<string, unknown> = { nothing: "" };
    for (let f = 0; f < 60; f++) files[`f${f}`] = seededBytes((d % 8) * 100 + f, 500 + f * 40);
    tree[`d${d}`] = files;
  }
  tree["large"] = seededBytes(1, 5_000_000);
  tree["same"] = seededBytes(1, 5_000_000);
  // Long enough to pause in the middle.
  tree["longer"] = seededBytes(2, 40_000_000);
  writeTree(directory.join("source"), tree as Parameters<typeof writeTree>[1]);
}

async function packBytes(repository: Repository): Promise<number> {
  const blobs = await collectAsync(repository.storage.list("p"));
  return blobs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
}

async function expectWhole(directory: TempDirectory, atLeast = 1): Promise<void> {
  const path = directory.join("repo");
  await using repository = await openFilesystemRepository({ path, password: PASSWORD, client });
  const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
    rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
  );
  expect(roots.length).toBeGreaterThanOrEqual(atLeast);
  const { errors } = await verifySnapshots({ repository, roots, verifyFilesPercent: 100 });
  expect(errors).toEqual([]);
}

async function markers(repository: Repository): Promise<number> {
  return (await collectAsync(repository.storage.list("s"))).length;
}

test.each([
  ["here", startHere],
  ["workers", startUploadWorker],
] as const)(
  "threads (%s) store what one thread stores",
  async (_name, startThread) => {
    await using inline = await openBench();
    writeSource(inline.directory);
    await using pooled = await openBench(inline);
    const expected = await inline.snapshot(undefined);
    const found = await pooled.snapshot(startThread);
    expect(found.stats).toEqual(expected.stats);
    const fileIds = ({ repository }: Bench): string[] =>
      [...repository.contents.contents()]
        .map(({ contentId }) => contentId)
        .filter((id) => !id.startsWith("k") && !id.startsWith("m"));
    expect(fileIds(pooled)).toEqual(fileIds(inline));
    // What both threads met was stored once, give or take the padding of packs.
    expect(await packBytes(pooled.repository)).toBeLessThan(
      (await packBytes(inline.repository)) + 500_000,
    );
    expect(await markers(pooled.repository)).toBe(0);
    await expectWhole(pooled.directory);
    const again = await pooled.snapshot(undefined, { forceHashPercent: 100 });
    expect(again.rootEntry?.objectId).toBe(found.rootEntry?.objectId);
  },
  60_000,
);

test.each([
  ["here", startHere],
  ["workers", startUploadWorker],
] as const)(
  "checkpoints flush what threads (%s) hold",
  async (_name, startThread) => {
    await using bench = await openBench();
    writeSource(bench.directory);
    let checkpoints = 0;
    const manifest = await bench.snapshot(startThread, {
      checkpointIntervalMs: 1,
      observer: {
        checkpointSaved: () => {
          checkpoints++;
        },
      },
    });
    expect(checkpoints).toBeGreaterThan(2);
    await expectWhole(bench.directory);
    expect(await markers(bench.repository)).toBe(0);
    const again = await bench.snapshot(undefined, { forceHashPercent: 100 });
    expect(again.rootEntry?.objectId).toBe(manifest.rootEntry?.objectId);
  },
  60_000,
);

test.each([1, 4])(
  "a worker that ends after %i messages breaks the session; the next run reuses what is stored",
  async (messageCount) => {
    await using bench = await openBench();
    writeSource(bench.directory);
    let messages = 0;
    const crashing: StartUploadThread = (init, listener) => {
      const port = startUploadWorker(init, {
        message(message) {
          listener.message(message);
          if (++messages !== messageCount) return;
          void port.terminate().then(() => listener.crashed(new Error("gone")));
        },
        crashed: (error) => listener.crashed(error),
      });
      return port;
    };
    const outcome = await bench.snapshot(crashing).catch((error: unknown) => error);
    expect(outcome).toMatchObject({ code: "SESSION_BROKEN" });
    await bench.snapshot(startUploadWorker);
    await expectWhole(bench.directory);
  },
  60_000,
);

test("a worker that cannot open its part breaks the session", async () => {
  await using bench = await openBench();
  writeSource(bench.directory);
  const misled: StartUploadThread = (init, listener) => {
    const storage = { ...init.setup.storage, path: "/does/not/exist" };
    return startUploadWorker({ ...init, setup: { ...init.setup, storage } }, listener);
  };
  const outcome = await bench.snapshot(misled).catch((error: unknown) => error);
  // The batch tells it, or whatever used the session first after that.
  const { code, cause } = outcome as KopiaError;
  expect([code, (cause as KopiaError | undefined)?.code]).toContain("STORAGE_UNAVAILABLE");
  await bench.snapshot(undefined);
  await expectWhole(bench.directory);
});

test("an upload that is cancelled keeps what is finished, and the session works on", async () => {
  await using bench = await openBench();
  writeSource(bench.directory);
  const controller = new AbortController();
  const manifest = await bench.snapshot(startUploadWorker, {
    signal: controller.signal,
    observer: {
      progress: ({ hashedBytes }) => {
        if (hashedBytes > 3_000_000) controller.abort();
      },
    },
  });
  expect(manifest.incompleteReason).toBe("canceled");
  await expectWhole(bench.directory);
});

test("files in parts are stored as one thread stores them", async () => {
  await using bench = await openBench();
  writeSource(bench.directory);
  const path = bench.directory.join("source");
  const run = async (startThread: StartUploadThread | undefined): Promise<SnapshotManifest> => {
    await using session = await bench.repository.writeSession();
    const { setPolicy } = await import("../policy/policy-store.ts");
    const { EMPTY_POLICY } = await import("../policy/policy.ts");
    const source = { userName: "user", host: "host", path };
    const upload = { ...EMPTY_POLICY.upload, parallelUploadAboveSize: 3_000_000n };
    await setPolicy(session.manifests, source, { ...EMPTY_POLICY, upload });
    const executor =
      startThread &&
      createAdaptiveExecutor({ session, maxThreads: 2, startThread, itemsBeforeThreads: 1 });
    const { manifest } = await createSnapshot(session, {
      source,
      forceHashPercent: 100,
      ...(executor && { executor }),
    });
    await session.flush();
    return manifest;
  };
  const pooled = await run(startUploadWorker);
  await expectWhole(bench.directory);
  const inline = await run(undefined);
  expect(pooled.rootEntry?.objectId).toBe(inline.rootEntry?.objectId);
});

test.each([1, 20_000_000])(
  "killed after %i bytes: what is there stays whole, and the next run finishes",
  async (bytes) => {
    await using bench = await openBench();
    writeSource(bench.directory);
    const script = fileURLToPath(new URL("../../test/threads-child.ts", import.meta.url));
    const paths = [bench.directory.join("repo"), bench.directory.join("source")];
    const child = spawn(process.execPath, [script, ...paths, PASSWORD]);
    child.stdout.on("data", (data: Buffer) => {
      const lines = data.toString("utf8").split("\n");
      if (lines.some((line) => Number(line) >= bytes)) child.kill("SIGKILL");
    });
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    expect([code, signal]).toEqual([null, "SIGKILL"]);
    await expectWhole(bench.directory, 0);
    const packsBefore = await packBytes(bench.repository);
    await bench.repository.refresh();
    await bench.snapshot(startUploadWorker);
    await expectWhole(bench.directory);
    expect(await packBytes(bench.repository)).toBeGreaterThanOrEqual(packsBefore);
  },
  60_000,
);

const kopiaExe = process.env["KOPIA_EXE"] ?? "";
test.skipIf(kopiaExe === "")(
  "the original program verifies all (needs KOPIA_EXE)",
  async () => {
    await using bench = await openBench();
    writeSource(bench.directory);
    await bench.snapshot(startUploadWorker, { checkpointIntervalMs: 20 });
    const kopia = (...args: string[]): string =>
      execFileSync(kopiaExe, [`--config-file=${bench.directory.join("config")}`, ...args], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
        env: {
          ...process.env,
          KOPIA_CACHE_DIRECTORY: bench.directory.join("cache"),
          KOPIA_LOG_DIR: bench.directory.join("logs"),
          KOPIA_PASSWORD: PASSWORD,
          KOPIA_CHECK_FOR_UPDATES: "false",
        },
      });
    const path = bench.directory.join("repo");
    kopia("repository", "connect", "filesystem", "--path", path);
    kopia("snapshot", "verify", "--verify-files-percent=100");
    kopia("content", "verify", "--full");
    kopia("blob", "list");
  },
  60_000,
);

test("a large file that is cut off while it is read is stored as far as it goes", async () => {
  await using bench = await openBench();
  writeSource(bench.directory);
  let isCut = false;
  const manifest = await bench.snapshot(startUploadWorker, {
    observer: {
      progress: ({ hashedBytes }) => {
        if (isCut || hashedBytes < 10_000_000) return;
        isCut = true;
        truncateSync(bench.directory.join("source", "longer"), 3_000_000);
      },
    },
  });
  expect(isCut).toBe(true);
  expect(manifest.incompleteReason).toBe("");
  await expectWhole(bench.directory);
});

test("a large file that cannot be opened is an error of that file", async () => {
  await using bench = await openBench();
  writeSource(bench.directory);
  const path = bench.directory.join("source", "longer");
  const manifest = await bench.snapshot((init, listener) => {
    // When the first thread starts, the walk has seen the file and nobody has opened it.
    rmSync(path);
    return startUploadWorker(init, listener);
  });
  expect(manifest.rootEntry?.summary?.failedEntries).toEqual([
    { path: "longer", error: expect.stringContaining("no such file or directory") as string },
  ]);
  await expectWhole(bench.directory);
});
