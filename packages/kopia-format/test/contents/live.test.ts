import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { systemRandom } from "../../src/base/random.ts";
import { openFilesystemStorage } from "../../src/blob/filesystem-storage.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import { createContentManager, type ContentManager } from "../../src/content/content-manager.ts";
import { verifyContents } from "../../src/content/verify-contents.ts";
import { createEncryptor } from "../../src/encryption/registry.ts";
import { initializeRepository } from "../../src/format/initialize.ts";
import { loadRepositoryFormat } from "../../src/format/load-format.ts";
import type { RepositoryFormat } from "../../src/format/repository-format.ts";
import { createHashFunction } from "../../src/hashing/registry.ts";
import { blobIds, data } from "./contents.ts";

const executable = process.env["KOPIA_EXE"];
const live = test.skipIf(executable === undefined);
const password = "correct horse battery staple";
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function workDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "kopia-contents-"));
  directories.push(directory);
  return directory;
}

/** Runs the real program with a configuration and cache of its own. */
function kopia(directory: string, ...args: string[]): string {
  return execKopia(directory, ...args).toString("utf8");
}

function execKopia(directory: string, ...args: string[]): Buffer {
  const env = {
    ...process.env,
    KOPIA_PASSWORD: password,
    KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
    KOPIA_CHECK_FOR_UPDATES: "false",
    KOPIA_LOG_DIR: join(directory, "log"),
  };
  const config = `--config-file=${join(directory, "repository.config")}`;
  return execFileSync(executable!, [config, ...args], {
    env,
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function openLive(storage: BlobStorage, format: RepositoryFormat): Promise<ContentManager> {
  const { hash, secret, encryption, masterKey } = format.content;
  return createContentManager({
    storage,
    format,
    hash: await createHashFunction(hash, secret),
    encryptor: createEncryptor(encryption, masterKey),
    clock: systemClock,
    random: systemRandom,
    client: { username: "u", hostname: "h" },
  });
}

/** Everything a session can do, over two flushes and several packs. */
async function writeEverything(contents: ContentManager): Promise<Map<string, Uint8Array>> {
  const session = await contents.openWriteSession();
  const written = new Map<string, Uint8Array>();
  const write = (bytes: Uint8Array, options = {}): string => {
    const id = session.writeContent(bytes, options);
    written.set(id, bytes);
    return id;
  };
  const text = new TextEncoder().encode("all work and no play\n".repeat(5000));
  for (let i = 0; i < 300; i++) write(data(i, i * 50));
  for (let i = 0; i < 12; i++) write(data(5000 + i, 3_000_000));
  for (let i = 0; i < 50; i++) write(data(1000 + i), { prefix: "kx"[i % 2] });
  await session.settle();
  for (const compressionHeaderId of [0x1100, 0x1101, 0x1102]) {
    write(text.slice(compressionHeaderId), { compressionHeaderId, prefix: "k" });
  }
  await session.flush();
  const doomed = write(data(9000));
  const back = write(data(9001));
  await session.flush();
  session.deleteContent(doomed);
  session.deleteContent(back);
  await session.undeleteContent(back);
  await session.rewriteContent(write(data(5)));
  await session.flush();
  await session.close();
  return written;
}

interface ListedContent {
  readonly contentID: string;
  readonly deleted: boolean;
  readonly originalLength: number;
}

async function expectAccepted(directory: string, written: Map<string, Uint8Array>): Promise<void> {
  // It keeps listings of the older index scheme for half a minute.
  rmSync(join(directory, "cache"), { recursive: true, force: true });
  expect(kopia(directory, "content", "verify", "--full", "--include-deleted")).toBeDefined();
  const listed = JSON.parse(
    kopia(directory, "content", "list", "--json", "--deleted"),
  ) as ListedContent[];
  const byId = new Map(listed.map((content) => [content.contentID, content]));
  for (const [id, bytes] of written) {
    const content = byId.get(id);
    expect(content, id).toBeDefined();
    expect(content!.originalLength).toBe(bytes.length);
  }
  expect(listed.filter(({ deleted }) => deleted).length).toBe(1);
  const [id, bytes] = [...written].at(-1)!;
  expect(execKopia(directory, "content", "show", id)).toEqual(Buffer.from(bytes));
}

live(
  "a repository created and written here is accepted by the real program (needs KOPIA_EXE)",
  { timeout: 120_000 },
  async () => {
    const directory = workDirectory();
    const path = join(directory, "repo");
    const storage = await openFilesystemStorage({ path, create: true });
    const format = await initializeRepository(storage, password);
    const written = await writeEverything(await openLive(storage, format));
    expect(await blobIds(storage, "s")).toEqual([]);
    kopia(directory, "repository", "connect", "filesystem", `--path=${path}`);
    await expectAccepted(directory, written);
    // The local indexes alone say the same.
    const recovered = kopia(directory, "index", "recover", "--dangerous-commands=enabled");
    expect(recovered).toBeDefined();
  },
);

live.each([
  ["default", []],
  ["format version 1", ["--format-version=1"]],
  [
    "format version 2, ChaCha20, HMAC-SHA256",
    [
      "--format-version=2",
      "--encryption=CHACHA20-POLY1305-HMAC-SHA256",
      "--block-hash=HMAC-SHA256",
    ],
  ],
])(
  "a repository of the real program is read, written and handed back: %s (needs KOPIA_EXE)",
  { timeout: 120_000 },
  async (_name, flags) => {
    const directory = workDirectory();
    const path = join(directory, "repo");
    kopia(directory, "repository", "create", "filesystem", `--path=${path}`, ...flags);
    const storage = await openFilesystemStorage({ path });
    const format = await loadRepositoryFormat(storage, password);
    const contents = await openLive(storage, format);
    const before = contents.contentCount;
    expect(before).toBeGreaterThan(0);
    const written = await writeEverything(contents);
    await expectAccepted(directory, written);
    // Nothing refers to these contents: upkeep deletes them, and they can be written again.
    kopia(directory, "maintenance", "run", "--full", "--safety=none");
    await contents.refresh();
    expect(await problems(contents, storage, format)).toBe(0);
    await expectAccepted(directory, await writeEverything(contents));
    expect(await problems(contents, storage, format)).toBe(0);
    expect(contents.contentCount).toBeGreaterThanOrEqual(written.size + before);
  },
);

async function problems(
  contents: ContentManager,
  storage: BlobStorage,
  format: RepositoryFormat,
): Promise<number> {
  const verified = await verifyContents(contents, storage, {
    random: systemRandom,
    readPercent: 100,
    includeDeleted: true,
    hash: await createHashFunction(format.content.hash, format.content.secret),
  });
  expect(verified.readCount).toBe(verified.contentCount);
  return verified.errorCount;
}
