import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { collectAsync } from "../base/collect-async.ts";
import { systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import { MemoryStorage } from "../blob/memory-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { connectRepository, openConnection } from "./connect.ts";
import { filesystemStorageConfig } from "./connection-codec.ts";
import { createRepository } from "./create-repository.ts";
import { openStorageForCreate } from "./open-storage.ts";
import { listLogSessions, readLogSession } from "./repository-logs.ts";

const PASSWORD = "test-password";
let path: string;
let configPath: string;

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), "kopia-logs-"));
  configPath = join(path, "repository.config");
  const storage = filesystemStorageConfig({ path: join(path, "repo") });
  const blobs = await openStorageForCreate(storage);
  await createRepository(blobs, { password: PASSWORD });
  await blobs.close();
  const client = { username: "u", hostname: "h" };
  await connectRepository({ configPath, storage, password: PASSWORD, client, env: { HOME: path } });
});

afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

async function write(payload: string): Promise<void> {
  await using repository = await openConnection(configPath, { repositoryLog: true });
  await using session = await repository.writeSession();
  await session.manifests.put({ type: "test" }, JSON.stringify({ payload }));
  await session.flush();
}

async function textOf(storage: BlobStorage): Promise<readonly string[]> {
  await using repository = await openConnection(configPath);
  const texts: string[] = [];
  for (const session of await listLogSessions(storage)) {
    const pieces = await collectAsync(readLogSession(repository, session));
    texts.push(pieces.join(""));
  }
  return texts;
}

test("a session that writes leaves one encrypted log, a reader none", async () => {
  await write("first");
  {
    await using reader = await openConnection(configPath, { repositoryLog: true });
    await reader.manifests.find({ type: "test" });
  }
  await using repository = await openConnection(configPath);
  const [session, ...more] = await listLogSessions(repository.storage);
  expect(more).toEqual([]);
  expect(session?.id).toMatch(/^\d{14}_[0-9a-f]{4}$/);
  expect(session?.segments[0]?.id).toMatch(
    /^_log_\d{14}_[0-9a-f]{4}_\d{10}_\d{10}_1_[0-9a-f]{32}$/,
  );
  const [text = ""] = await textOf(repository.storage);
  const lines = text.trimEnd().split("\n");
  const messages = lines.map((line) => (JSON.parse(line) as { readonly m: string }).m);
  expect(messages).toContain("PutBlob");
  // The identity of u@h, as Kopia writes it.
  expect(lines[0]).toMatch(/^\{"t":"[^"]+Z","span:client":"k24zdcaeuzfpdj7u","span:repo":"\w{8}",/);
  expect(text).not.toContain("first");
});

test("what was changed is refused, foreign names are left out", async () => {
  await write("x");
  await using repository = await openConnection(configPath);
  const { storage } = repository;
  await storage.put("_log_foreign", new Uint8Array(3));
  const [session] = await listLogSessions(storage);
  const id = session?.segments[0]?.id ?? "";
  const data = await storage.get(id);
  data[20] = (data[20] ?? 0) ^ 1;
  await storage.put(id, data);
  await expect(textOf(storage)).rejects.toMatchObject({ code: "CONTENT_CORRUPT" });
});

test("sessions of one second are listed in the order in which the storage got them", async () => {
  const storage = new MemoryStorage();
  const segment = (session: string, chunk: number) =>
    `_log_20260101000000_${session}_1767225600_1767225600_${chunk}_${"0".repeat(32)}`;
  const blobs = [segment("0001", 2), segment("ffff", 1), segment("0002", 1), segment("0001", 1)];
  const times = [40n, 10n, 20n, 30n];
  for (const [index, id] of blobs.entries())
    await storage.put(id, new Uint8Array(1), { timestamp: times[index] ?? 0n });
  const sessions = await listLogSessions(storage);
  expect(sessions.map(({ id }) => id.slice(-4))).toEqual(["ffff", "0002", "0001"]);
  expect(sessions[2]?.segments.map(({ id }) => id)).toEqual([blobs[3], blobs[0]]);
});

test("a log that cannot be stored is a warning, and the write stays", async () => {
  class NoLogs extends MemoryStorage {
    override put(...call: Parameters<MemoryStorage["put"]>): ReturnType<MemoryStorage["put"]> {
      if (call[0].startsWith("_log_")) throw new Error("no room");
      return super.put(...call);
    }
  }
  const { DiagnosticLog } = await import("./diagnostic-log.ts");
  await using repository = await openConnection(configPath);
  const warnings: string[] = [];
  const log = new DiagnosticLog({
    clock: systemClock,
    random: systemRandom,
    client: repository.client,
    isStored: true,
    onWarning: (message) => warnings.push(message),
  });
  const { createHashFunction } = await import("../hashing/registry.ts");
  const { createContentEncryptor } = await import("./content-encryptor.ts");
  const { content } = repository.format;
  const crypto = {
    hash: await createHashFunction(content.hash, content.secret),
    encryptor: createContentEncryptor(content, systemRandom),
  };
  log.setTarget({ storage: new NoLogs(), crypto });
  log.storageOperation({ method: "PutBlob", blobId: "pa", lengthBytes: 1, durationNs: 1n });
  await log.flush();
  expect(warnings).toEqual(["unable to write the repository log: no room"]);
});
