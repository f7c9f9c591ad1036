import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bytesEqual, utf8Encode } from "../base/bytes.ts";
import { formatGoTime } from "../base/go-time.ts";
import { HASH_NAMES } from "../hashing/registry.ts";
import { ENCRYPTION_NAMES } from "../encryption/registry.ts";
import { seededBytes } from "../testing/seeded.ts";
import { connectRepository, openConnection } from "./connect.ts";
import { filesystemStorageConfig } from "./connection-codec.ts";
import { decodeConnectionToken, encodeConnectionToken } from "./connection-token.ts";
import type { NewRepositoryFormat } from "./create-repository.ts";
import { createFilesystemRepository } from "./filesystem-repository.ts";
import type { Repository } from "./repository.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
/** White space around it stays when it is stored, but not when it is given by flag, variable or token. */
const SPACED_PASSWORD = " pässword\u{1f511} ";
let password: string;

let directory: string;
let repositoryPath: string;
let configPath: string;

beforeEach(() => {
  password = SPACED_PASSWORD;
  directory = mkdtempSync(join(tmpdir(), "original-"));
  repositoryPath = join(directory, "repository");
  configPath = join(directory, "repository.config");
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function environment(): Record<string, string> {
  return {
    HOME: directory,
    PATH: process.env["PATH"] ?? "",
    KOPIA_CHECK_FOR_UPDATES: "false",
    KOPIA_CACHE_DIRECTORY: join(directory, "cache"),
  };
}

/** Runs the original program; gives its standard output. */
function kopiaBytes(...args: string[]): Buffer {
  const result = spawnSync(executable, ["--config-file", configPath, ...args], {
    env: environment(),
    input: "",
    maxBuffer: 2 ** 28,
  });
  if (result.status !== 0) {
    throw new Error(`kopia ${args.join(" ")}: exit ${result.status}\n${result.stderr.toString()}`);
  }
  return result.stdout;
}

function kopia(...args: string[]): string {
  return kopiaBytes(...args).toString();
}

/** The same, without waiting for it. */
function kopiaRunning(...args: string[]): Promise<number | null> {
  const child = spawn(executable, ["--config-file", configPath, ...args], {
    env: environment(),
    stdio: "ignore",
  });
  return new Promise((resolve) => child.on("exit", resolve));
}

/** `manifest list --json` of the original, as our entries are. */
function listedByOriginal(): unknown {
  const list = JSON.parse(kopia("manifest", "list", "--json")) as { id: string }[];
  return list.sort(byId);
}

async function listedByUs(repository: Repository): Promise<unknown> {
  const entries = (await repository.manifests.find({})).map((entry) => ({
    id: entry.id,
    length: entry.lengthBytes,
    labels: { ...entry.labels },
    mtime: formatGoTime(entry.modified),
  }));
  return entries.sort(byId);
}

function byId(a: { readonly id: string }, b: { readonly id: string }): number {
  return a.id < b.id ? -1 : 1;
}

const DATA = seededBytes(42, 12_000_000);

/** Writes one large file and two manifests. */
async function writeSomething(repository: Repository): Promise<string> {
  await using session = await repository.writeSession();
  const id = session.objects.writeObject(DATA, {
    compressionHeaderId: 0x1101,
    metadataCompressionHeaderId: 0x1101,
  });
  await session.manifests.put({ type: "test", "a<b>": "é" }, '{"n": 1.50, "text": "<&>\u2028"}');
  await session.manifests.put({ type: "test", n: "2" }, "[]");
  await session.flush();
  return id;
}

async function createAndConnect(format: NewRepositoryFormat = {}): Promise<string> {
  const repository = await createFilesystemRepository({ path: repositoryPath, password, format });
  const id = await writeSomething(repository);
  await repository.close();
  await connectRepository({
    configPath,
    storage: filesystemStorageConfig({ path: repositoryPath, fileMode: 0o600, dirMode: 0o700 }),
    password,
    env: environment(),
  });
  return id;
}

async function checkAgainstOriginal(objectId: string): Promise<void> {
  expect(bytesEqual(kopiaBytes("show", objectId), DATA)).toBe(true);
  kopia("content", "verify", "--full");
  await using repository = await openConnection(configPath, { env: environment() });
  expect(await listedByUs(repository)).toEqual(listedByOriginal());
  expect(bytesEqual(await repository.objects.readObject(objectId), DATA)).toBe(true);
}

describe.skipIf(executable === "")("with the original program (needs KOPIA_EXE)", () => {
  test("it uses our connection file and stored password, and reads what we wrote", async () => {
    const objectId = await createAndConnect();
    const status = JSON.parse(kopia("repository", "status", "--json")) as Record<string, object>;
    expect(status["storage"]).toMatchObject({
      type: "filesystem",
      config: { path: repositoryPath },
    });
    await checkAgainstOriginal(objectId);
  });

  test("it writes the same connection file as we do", async () => {
    password = SPACED_PASSWORD.trim();
    await createAndConnect();
    const ours = readFileSync(configPath, "utf8");
    const oursPassword = readFileSync(`${configPath}.kopia-password`, "utf8");
    const token = encodeConnectionToken({
      storage: filesystemStorageConfig({ path: repositoryPath, fileMode: 0o600, dirMode: 0o700 }),
      password,
    });
    kopia("repository", "connect", "from-config", "--token", token);
    expect(readFileSync(configPath, "utf8")).toBe(ours);
    expect(readFileSync(`${configPath}.kopia-password`, "utf8")).toBe(oursPassword);
    const printed = /--token (\S+)/.exec(kopia("repository", "status", "-t", "-s"))?.[1] ?? "";
    expect(decodeConnectionToken(printed)).toEqual(decodeConnectionToken(token));
  });

  test("we use its connection file and stored password, and both write in turn", async () => {
    const source = join(directory, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), DATA);
    kopia("repository", "create", "filesystem", `--path=${repositoryPath}`, "--password=secret");
    kopia("snapshot", "create", source);
    let objectId: string;
    {
      await using repository = await openConnection(configPath, { env: environment() });
      expect(await listedByUs(repository)).toEqual(listedByOriginal());
      objectId = await writeSomething(repository);
    }
    writeFileSync(join(source, "file2"), DATA.subarray(1));
    kopia("snapshot", "create", source);
    await checkAgainstOriginal(objectId);
    kopia("snapshot", "verify", "--verify-files-percent=100");
  });

  test("both write at the same time", async () => {
    await createAndConnect();
    const source = join(directory, "source");
    mkdirSync(source);
    for (let i = 0; i < 20; i++)
      writeFileSync(join(source, `f${i}`), seededBytes(100 + i, 400_000));
    const snapshot = kopiaRunning("snapshot", "create", source);
    const ids: string[] = [];
    await using repository = await openConnection(configPath, { env: environment() });
    for (let i = 0; i < 10; i++) {
      await using session = await repository.writeSession();
      ids.push(session.objects.writeObject(seededBytes(200 + i, 300_000)));
      await session.manifests.put({ type: "test", run: String(i) }, JSON.stringify({ i }));
      await session.flush();
    }
    expect(await snapshot).toBe(0);
    await repository.refresh();
    expect(await listedByUs(repository)).toEqual(listedByOriginal());
    for (const id of ids) expect(kopiaBytes("show", id)).toHaveLength(300_000);
    kopia("snapshot", "verify", "--verify-files-percent=100");
    kopia("content", "verify", "--full");
  });

  test("it reads compacted manifests, and we read those that it compacts", async () => {
    await createAndConnect();
    {
      await using repository = await openConnection(configPath, { env: environment() });
      await using session = await repository.writeSession();
      for (let i = 0; i < 17; i++) {
        await session.manifests.put(
          { type: "test", i: String(i) },
          `{"i": ${i}, "big": 12345678901234567890}`,
        );
        await session.flush();
      }
      expect(await listedByUs(repository)).toEqual(listedByOriginal());
      for (let i = 0; i < 14; i++) {
        await session.manifests.put({ type: "more", i: String(i) }, String(i));
        await session.flush();
      }
      // Its next write finds 16 contents or more and joins them.
      for (let i = 0; i < 3; i++) kopia("policy", "set", "--global", `--keep-latest=${10 + i}`);
      await repository.refresh();
      expect(await listedByUs(repository)).toEqual(listedByOriginal());
      const manifestContents = repository.contents.contents({ range: { start: "m", end: "n" } });
      expect([...manifestContents].length).toBeLessThan(16);
    }
    kopia("content", "verify", "--full");
  });

  test("it never meets a cached format of another repository after we connected", async () => {
    const first = await createAndConnect();
    await checkAgainstOriginal(first);
    rmSync(repositoryPath, { recursive: true });
    const second = await createAndConnect();
    await checkAgainstOriginal(second);
    const source = join(directory, "source");
    mkdirSync(source);
    writeFileSync(join(source, "file"), utf8Encode("x"));
    kopia("snapshot", "create", source);
    rmSync(join(directory, "cache"), { recursive: true });
    kopia("snapshot", "verify", "--verify-files-percent=100");
  });

  test.each<[string, NewRepositoryFormat]>([
    ["format version 1", { version: 1 }],
    ["format version 2", { version: 2 }],
    ["small packs", { maxPackSizeBytes: 10 * 2 ** 20 }],
    ["another splitter", { splitter: "DYNAMIC-128K-RABINKARP" }],
    ["error correction", { ecc: "REED-SOLOMON-CRC32", eccOverheadPercent: 5 }],
    ["another key derivation", { keyAlgorithm: "pbkdf2-sha256-600000" }],
    ...HASH_NAMES.map((hash, index): [string, NewRepositoryFormat] => [
      hash,
      { hash, encryption: ENCRYPTION_NAMES[index % 2] as string },
    ]),
  ])("it reads repositories that we make with %s", async (_name, format) => {
    await checkAgainstOriginal(await createAndConnect(format));
  });
});
