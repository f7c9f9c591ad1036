import { spawn, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  createFilesystemRepository,
  openFilesystemRepository,
  type Repository,
} from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { type TreeRow, readTree } from "@kopia-engine/test-fixtures";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  createLocalOutput,
  createSnapshot,
  listSnapshots,
  prepareNewRepository,
  resolveObjectPath,
  restoreTree,
  verifySnapshots,
  type CreateSnapshotResult,
  type SnapshotManifest,
} from "../src/index.ts";
import { writeOddTree } from "./odd-tree.ts";
import { type TempDirectory, tempDirectory } from "./temp-directory.ts";
import { writeTree } from "./write-tree.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
const PASSWORD = "live";
const CLIENT = { username: "user", hostname: "host" };

let directory: TempDirectory;
let repository: Repository;

beforeAll(async () => {
  directory = tempDirectory();
  if (executable === "") return;
  writeOddTree(directory.join("odd"));
  const created = await createFilesystemRepository({
    path: directory.join("repo"),
    password: PASSWORD,
    client: CLIENT,
  });
  repository = created;
  await using session = await repository.writeSession();
  await prepareNewRepository(session);
  const connect = ["repository", "connect", "filesystem", "--path", directory.join("repo")];
  kopia(...connect, "--override-username=user", "--override-hostname=host");
});
afterAll(async () => {
  if (executable !== "") await repository.close();
  directory[Symbol.dispose]();
});

/** Standard output of the real program; fails the test when the program fails. */
function kopia(...args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(
    executable,
    [`--config-file=${directory.join("config")}`, `--log-dir=${directory.join("log")}`, ...args],
    {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      env: {
        ...process.env,
        KOPIA_CACHE_DIRECTORY: directory.join("cache"),
        KOPIA_PASSWORD: PASSWORD,
        KOPIA_CHECK_FOR_UPDATES: "false",
      },
    },
  );
  if (status !== 0) throw new Error(`kopia ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function kopiaSnapshot(path: string): Record<string, unknown> {
  return JSON.parse(kopia("snapshot", "create", path, "--json", "--json-verbose")) as Record<
    string,
    unknown
  >;
}

async function ourSnapshot(path: string, sourcePath = path): Promise<CreateSnapshotResult> {
  await repository.refresh();
  await using session = await repository.writeSession();
  const source = { userName: "user", host: "host", path: sourcePath };
  const result = await createSnapshot(session, { source, path });
  await session.flush();
  return result;
}

function rows(path: string): TreeRow[] {
  return readTree(path).map(([name, type, mode, size, mtimeNs, target, uid, gid]) => {
    const time = BigInt(mtimeNs);
    // The real program rounds times of links up to the microsecond.
    const shown = type === "l" ? ((time + 999n) / 1000n) * 1000n : time;
    return [name, type, mode, size, shown, target, uid, gid];
  });
}

const liveTest = test.skipIf(executable === "");

liveTest(
  "an odd tree gives the same root both ways, and each reuses the other (needs KOPIA_EXE)",
  async () => {
    const path = directory.join("odd");
    const theirs = kopiaSnapshot(path);
    const rootId = (theirs["rootEntry"] as { obj: string }).obj;
    const fresh = await ourSnapshot(path, "/fresh");
    expect(fresh.manifest.rootEntry?.objectId).toBe(rootId);
    const stats = theirs["stats"] as Record<string, number>;
    expect(fresh.manifest.stats).toMatchObject({
      totalFileSizeBytes: BigInt(stats["totalSize"] ?? 0),
      fileCount: stats["fileCount"],
      cachedFileCount: stats["cachedFiles"],
      nonCachedFileCount: stats["nonCachedFiles"],
      directoryCount: stats["dirCount"],
    });
    const onTop = await ourSnapshot(path);
    expect(onTop.manifest.rootEntry).toMatchObject({ objectId: rootId });
    // Four names are not UTF-8 and never reused; a fifth looks the same as two of them.
    expect(onTop.manifest.stats).toMatchObject({ nonCachedFileCount: 5, fileCount: 5 });
    const again = kopiaSnapshot(path);
    expect((again["rootEntry"] as { obj: string }).obj).toBe(rootId);
    const againStats = again["stats"] as Record<string, number>;
    expect(againStats).toMatchObject({
      cachedFiles: onTop.manifest.stats.cachedFileCount,
      nonCachedFiles: 5,
      totalSize: Number(onTop.manifest.stats.totalFileSizeBytes),
    });
  },
);

liveTest(
  "what we stored verifies and restores the same with the real program (needs KOPIA_EXE)",
  async () => {
    const path = writeTree(directory.join("ours"), {
      large: seededBytes(5, 30_000_000),
      text: "compress me ".repeat(10_000),
      sub: { a: "1", b: { link: "a" }, c: {} },
    });
    const { manifest } = await ourSnapshot(path);
    kopia("snapshot", "verify", "--verify-files-percent=100");
    kopia("restore", manifest.id, directory.join("by-kopia"));
    const { entry } = await resolveObjectPath(repository, manifest.id);
    const output = createLocalOutput({ targetPath: directory.join("by-us") });
    await restoreTree({ repository, entry, output });
    expect(rows(directory.join("by-us"))).toEqual(rows(directory.join("by-kopia")));
    const cached = kopiaSnapshot(path)["stats"] as Record<string, number>;
    expect(cached).toMatchObject({ nonCachedFiles: 0, fileCount: 0, cachedFiles: 4 });
  },
);

liveTest("a killed upload leaves what the next one reuses (needs KOPIA_EXE)", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`f${index}`, seededBytes(100 + index, 2_000_000)]),
  );
  const path = writeTree(directory.join("killed"), {
    files,
    zz: { large: seededBytes(99, 100_000_000) },
  });
  await killAfterCheckpoint(path);
  await repository.refresh();
  const left = (await listSnapshots(repository.manifests)).filter(
    ({ source }) => source.path === path,
  );
  expect(left.length).toBeGreaterThan(0);
  expect(left.every(({ incompleteReason }) => incompleteReason === "checkpoint")).toBe(true);
  const { manifest } = await ourSnapshot(path);
  expect(manifest.stats.cachedFileCount).toBeGreaterThan(0);
  expect(manifest.rootEntry?.summary).toMatchObject({ fileCount: 41, fatalErrorCount: 0 });
  kopia("snapshot", "verify", "--verify-files-percent=100");
  const roots = (await listSnapshots(repository.manifests)).map((snapshot: SnapshotManifest) => ({
    path: snapshot.id,
    entry: snapshot.rootEntry as NonNullable<typeof snapshot.rootEntry>,
  }));
  const verified = await verifySnapshots({ repository, roots, verifyFilesPercent: 100 });
  expect(verified.errors).toEqual([]);
  expect(readdirSync(directory.join("repo")).length).toBeGreaterThan(0);
});

/** Runs an upload in a process of its own and kills it after a few checkpoints. */
async function killAfterCheckpoint(path: string): Promise<void> {
  const script = fileURLToPath(new URL("upload-child.ts", import.meta.url));
  const child = spawn(process.execPath, [script, directory.join("repo"), path, PASSWORD], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let told = "";
  child.stdout.on("data", (data: Buffer) => {
    told += data.toString();
    if (told.split("checkpoint").length > 3) child.kill("SIGKILL");
  });
  await new Promise((resolve) => child.on("close", resolve));
  expect(told).not.toContain("done");
}

test("opening by path needs no connection file", async () => {
  const path = directory.join("small-repo");
  const created = await createFilesystemRepository({ path, password: PASSWORD, client: CLIENT });
  await created.close();
  const reopened = await openFilesystemRepository({ path, password: PASSWORD, client: CLIENT });
  expect(await listSnapshots(reopened.manifests)).toEqual([]);
  await reopened.close();
});
