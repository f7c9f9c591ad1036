import { expect, test } from "vitest";
import { MemoryStorage } from "../../src/blob/memory-storage.ts";
import type { BlobStorage } from "../../src/blob/storage.ts";
import type { Bytes } from "../../src/base/bytes.ts";
import { isKopiaError } from "../../src/base/errors.ts";
import { changePassword } from "../../src/format/change-format.ts";
import { openFormatBlobs, readFormatBlobs } from "../../src/format/format-blobs.ts";
import { checkFormat, loadOpenedFormat } from "../../src/format/load-format.ts";
import type { UpgradeLock } from "../../src/format/repository-format.ts";
import {
  FORMAT_BACKUP_PREFIX,
  placeUpgradeLock,
  POISON_BLOB_ID,
  requireOwnLock,
} from "../../src/format/upgrade-format.ts";
import { newUpgradeLock, UPGRADE_LOCK_DEFAULTS } from "../../src/format/upgrade-lock.ts";
import { createRepository } from "../../src/repository/create-repository.ts";
import { openRepository } from "../../src/repository/open-repository.ts";
import {
  rollbackUpgrade,
  upgradeRepository,
  upgradeWithoutLock,
  validateUpgrade,
  type UpgradeEvent,
} from "../../src/repository/upgrade-repository.ts";
import { FakeClock } from "../../src/testing/fake-clock.ts";
import { seededRandom } from "../../src/testing/seeded.ts";
import { blobIds, seconds } from "../contents/contents.ts";
import { DyingStorage, type Death } from "../contents/dying-storage.ts";

const PASSWORD = "p";
const CLIENT = { username: "u", hostname: "h", readOnly: false, description: "" };

interface Place {
  readonly storage: MemoryStorage;
  readonly clock: FakeClock;
}

let formatKey: Bytes;
let seed = 1000;

async function load(storage: BlobStorage, clock: FakeClock, ownerId?: string) {
  const { format } = openFormatBlobs(await readFormatBlobs(storage), formatKey);
  checkFormat(format, { clock, ...(ownerId !== undefined && { upgradeOwnerId: ownerId }) });
  return format;
}

async function open(storage: BlobStorage, clock: FakeClock, ownerId?: string) {
  return openRepository(storage, {
    password: PASSWORD,
    format: await load(storage, clock, ownerId),
    client: CLIENT,
    clock,
    random: seededRandom(seed++),
    ...(ownerId !== undefined && { upgradeOwnerId: ownerId }),
  });
}

async function writeContents(
  storage: BlobStorage,
  clock: FakeClock,
  texts: readonly string[],
  ownerId?: string,
): Promise<string[]> {
  await using repository = await open(storage, clock, ownerId);
  await using session = await repository.writeSession();
  const ids = texts.map((text) =>
    session.contents.writeContent(Buffer.from(text.repeat(50)), {
      prefix: text.startsWith("k") ? "k" : "",
    }),
  );
  await session.flush();
  return ids;
}

const EARLIER = ["a1", "k2", "a3", "k4"];

/** Format blobs of new repositories: one key for all of them. */
const templates: Record<number, readonly [string, Bytes][]> = {};

async function newFormat(version: number): Promise<[string, Bytes][]> {
  const storage = new MemoryStorage();
  const made = await createRepository(storage, {
    password: PASSWORD,
    format: { version },
    random: seededRandom(1),
  });
  formatKey = made.formatKey;
  const ids = await blobIds(storage, "");
  return Promise.all(ids.map(async (id) => [id, await storage.get(id)] as [string, Bytes]));
}

/** A repository of the older scheme with a few index blobs, and a deleted content. */
async function oldRepository(version = 1): Promise<Place> {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  const { [version]: blobs = await newFormat(version) } = templates;
  templates[version] = blobs;
  for (const [id, data] of blobs) await storage.put(id, data);
  for (const text of EARLIER) {
    clock.advance(seconds(60));
    await writeContents(storage, clock, [text]);
  }
  clock.advance(seconds(7200));
  return { storage, clock };
}

async function expectAllThere(
  storage: BlobStorage,
  clock: FakeClock,
  options: { texts?: readonly string[]; ownerId?: string } = {},
): Promise<void> {
  await using repository = await open(storage, clock, options.ownerId);
  const found: string[] = [];
  for (const { contentId } of repository.contents.contents())
    found.push(
      Buffer.from(await repository.contents.getContent(contentId))
        .toString()
        .slice(0, 2),
    );
  expect(found.sort()).toEqual([...(options.texts ?? EARLIER)].sort());
}

const options = (clock: FakeClock, ownerId = "me") => ({
  password: PASSWORD,
  formatKey,
  ownerId,
  clock,
  random: seededRandom(seed++),
});

test("a repository of version 1 becomes one of version 3 with epochs; nothing is lost, old clients stop", async () => {
  const { storage, clock } = await oldRepository();
  const before = await storage.get("kopia.repository");
  const events: UpgradeEvent["kind"][] = [];
  const start = clock.now();
  const done = await upgradeRepository(storage, {
    ...options(clock),
    onEvent: ({ kind }) => events.push(kind),
  });
  expect(done).toBe(true);
  expect([...new Set(events)]).toEqual([
    "lockPlaced",
    "draining",
    "drained",
    "migrating",
    "migrated",
    "validated",
    "committed",
  ]);
  // Two drains of 15 minutes and the clock drift, looked at each minute.
  expect(clock.now() - start).toBe(seconds(35 * 60));
  expect(events.filter((kind) => kind === "draining").length).toBe(36);
  const { content } = await load(storage, clock);
  expect(content).toMatchObject({ version: 3, indexVersion: 2, enablePasswordChange: false });
  expect(content.epochParameters.enabled).toBe(true);
  expect(content.upgradeLock).toBeUndefined();
  expect(await storage.get(`${FORMAT_BACKUP_PREFIX}me`)).toEqual(before);
  expect(Buffer.from(await storage.get(POISON_BLOB_ID)).toString()).toBe(
    "The format of this repository has been upgraded and cannot be read by old clients",
  );
  await expectAllThere(storage, clock);
  await writeContents(storage, clock, ["n5"]);
  await expectAllThere(storage, clock, { texts: [...EARLIER, "n5"] });
  expect((await validateUpgrade(storage, options(clock))).missingCount).toBe(0);
  const again: UpgradeEvent["kind"][] = [];
  await upgradeRepository(storage, { ...options(clock), onEvent: ({ kind }) => again.push(kind) });
  expect(again).toEqual(["upToDate"]);
});

test("version 2 has epochs already: no drain, the version and the poison blob only", async () => {
  const { storage, clock } = await oldRepository(2);
  const start = clock.now();
  const events: UpgradeEvent["kind"][] = [];
  await upgradeRepository(storage, { ...options(clock), onEvent: ({ kind }) => events.push(kind) });
  expect(events).toEqual(["lockPlaced", "epochsInUse", "validated", "committed"]);
  expect(clock.now()).toBe(start);
  expect((await load(storage, clock)).content.version).toBe(3);
  expect(await blobIds(storage, POISON_BLOB_ID)).toEqual([POISON_BLOB_ID]);
  await expectAllThere(storage, clock);
});

test("the lock stops everybody but its owner, open clients as well", async () => {
  const { storage, clock } = await oldRepository();
  await using early = await open(storage, clock);
  await upgradeRepository(storage, { ...options(clock), lockOnly: true });
  await expect(open(storage, clock)).rejects.toThrow(/is being upgraded by me/);
  await expect(open(storage, clock, "you")).rejects.toMatchObject({ code: "REPOSITORY_UPGRADING" });
  await expect(upgradeRepository(storage, options(clock, "you"))).rejects.toMatchObject({
    code: "REPOSITORY_UPGRADING",
  });
  await expect(rollbackUpgrade(storage, options(clock, "you"))).rejects.toMatchObject({
    code: "REPOSITORY_UPGRADING",
  });
  await expect(
    changePassword(storage, { password: PASSWORD, newPassword: "x" }),
  ).rejects.toMatchObject({ code: "REPOSITORY_UPGRADING" });
  clock.advance(seconds(15 * 60));
  const late = async (): Promise<void> => {
    await using session = await early.writeSession();
    session.contents.writeContent(Buffer.from("late".repeat(99)));
    await session.flush();
  };
  await expect(late()).rejects.toMatchObject({ code: "REPOSITORY_UPGRADING" });
  await expectAllThere(storage, clock, { ownerId: "me" });
  await rollbackUpgrade(storage, options(clock));
  await expectAllThere(storage, clock);
});

test("who waits gets in when the upgrade has ended, and does not wait for a lock that was given up", async () => {
  const { storage, clock } = await oldRepository();
  await upgradeRepository(storage, { ...options(clock), lockOnly: true });
  const waits: string[] = [];
  const opened = await openRepository(storage, {
    password: PASSWORD,
    client: CLIENT,
    clock,
    random: seededRandom(3),
    onUpgradeWait: ({ ownerId }) => {
      waits.push(ownerId);
      expect(waits.length, "waits too long").toBeLessThan(200);
      if (waits.length === 3) void rollbackUpgrade(storage, options(clock));
    },
  }).catch((error: unknown) => error);
  expect(waits.length).toBeGreaterThanOrEqual(3);
  if (isKopiaError(opened)) throw opened;
  await upgradeRepository(storage, { ...options(clock), lockOnly: true });
  clock.advance(seconds(3 * 3600));
  const given = openRepository(storage, {
    password: PASSWORD,
    client: CLIENT,
    clock,
    onUpgradeWait: () => expect.unreachable("the lock is stale"),
  });
  await expect(given).rejects.toMatchObject({ code: "REPOSITORY_UPGRADING" });
});

test("a rollback brings the old scheme back, and refuses once contents were written in the new one", async () => {
  const { storage, clock } = await oldRepository();
  const before = await storage.get("kopia.repository");
  await expect(rollbackUpgrade(storage, options(clock))).rejects.toMatchObject({
    code: "UPGRADE_NOT_RUNNING",
  });
  await upgradeRepository(storage, { ...options(clock), commit: false });
  expect((await blobIds(storage, "xn0_")).length).toBe(1);
  await rollbackUpgrade(storage, options(clock));
  expect(await storage.get("kopia.repository")).toEqual(before);
  expect(await blobIds(storage, "x")).toEqual([]);
  expect(await blobIds(storage, FORMAT_BACKUP_PREFIX)).toEqual([]);
  await expectAllThere(storage, clock);
  await upgradeRepository(storage, { ...options(clock), commit: false });
  await writeContents(storage, clock, ["n5"], "me");
  await expect(rollbackUpgrade(storage, options(clock))).rejects.toMatchObject({
    code: "UPGRADE_UNSAFE",
  });
  await upgradeRepository(storage, options(clock));
  await expectAllThere(storage, clock, { texts: [...EARLIER, "n5"] });
});

test("a backup of another repository, or none, is not restored", async () => {
  const { storage, clock } = await oldRepository();
  await upgradeRepository(storage, { ...options(clock), lockOnly: true });
  const other = new MemoryStorage({ clock });
  await createRepository(other, { password: PASSWORD, format: { version: 1 } });
  await storage.put(`${FORMAT_BACKUP_PREFIX}me`, await other.get("kopia.repository"));
  await expect(rollbackUpgrade(storage, options(clock))).rejects.toMatchObject({
    code: "UPGRADE_UNSAFE",
  });
  await storage.delete(`${FORMAT_BACKUP_PREFIX}me`);
  await expect(rollbackUpgrade(storage, options(clock))).rejects.toThrow(
    /no kopia.repository.backup/,
  );
  expect((await loadOpenedFormat(storage, PASSWORD)).format.content.upgradeLock?.ownerId).toBe(
    "me",
  );
});

test("a stale backup of somebody else is never what a rollback brings back", async () => {
  const { storage, clock } = await oldRepository();
  await storage.put(`${FORMAT_BACKUP_PREFIX}long-ago`, new Uint8Array([1, 2, 3]));
  const before = await storage.get("kopia.repository");
  await upgradeRepository(storage, { ...options(clock), lockOnly: true });
  // The original takes the oldest backup: that is the right one as well now.
  expect(await storage.get(`${FORMAT_BACKUP_PREFIX}long-ago`)).toEqual(before);
  await rollbackUpgrade(storage, options(clock));
  expect(await storage.get("kopia.repository")).toEqual(before);
});

test("what an interrupted upgrade left is folded in as far as it can be read, and then removed", async () => {
  const { storage, clock } = await oldRepository();
  await upgradeRepository(storage, { ...options(clock), commit: false });
  const [leftover] = await blobIds(storage, "xn0_");
  const blob = await storage.get(leftover as string);
  await rollbackUpgrade(storage, options(clock));
  // As the original does: the index of the failed upgrade stays; one pack is collected later on.
  await storage.put(leftover as string, blob);
  const olds = await blobIds(storage, "n");
  await storage.delete(olds[0] as string);
  const packs = [...(await blobIds(storage, "p")), ...(await blobIds(storage, "q"))];
  await upgradeRepository(storage, options(clock));
  expect((await blobIds(storage, "xn0_")).length).toBe(1);
  await expectAllThere(storage, clock);
  expect(packs.length).toBeGreaterThan(0);
});

test("epochs that no upgrade wrote mean an old format blob: nothing is touched", async () => {
  const { storage, clock } = await oldRepository();
  await storage.put("xe3", Buffer.from("epoch-marker"));
  const before = await blobIds(storage, "");
  await expect(
    upgradeWithoutLock(storage, { password: PASSWORD, formatKey, clock, random: seededRandom(9) }),
  ).rejects.toThrow(/xe3 is there/);
  expect(await blobIds(storage, "")).toEqual(before);
});

test("without a lock: refused while somebody seems to write; late index blobs are brought in", async () => {
  const { storage, clock } = await oldRepository();
  const access = { password: PASSWORD, formatKey, clock, random: seededRandom(9) };
  await storage.put("s0123-s00112233445566771", new Uint8Array(1));
  await expect(upgradeWithoutLock(storage, access)).rejects.toThrow(/session marker s0123/);
  await storage.delete("s0123-s00112233445566771");
  // A client that opened before the switch and writes after it, in the old scheme.
  const stale = new MemoryStorage({ clock });
  for (const id of await blobIds(storage, "")) await stale.put(id, await storage.get(id));
  expect(await upgradeWithoutLock(storage, access)).toBe(EARLIER.length);
  await writeContents(stale, clock, ["z9"]);
  const missing = (await blobIds(stale, "")).filter((id) => /^[npq]/.test(id));
  for (const id of missing) await storage.put(id, await stale.get(id));
  await expectAllThere(storage, clock);
  const compared = await validateUpgrade(storage, access);
  expect(compared).toMatchObject({ missingCount: 1 });
  expect(await upgradeWithoutLock(storage, access)).toBe(1);
  await expectAllThere(storage, clock, { texts: [...EARLIER, "z9"] });
  expect((await validateUpgrade(storage, access)).missingCount).toBe(0);
  expect((await load(storage, clock)).content.version).toBe(2);
});

test("timings that are not safe are refused", async () => {
  const { storage, clock } = await oldRepository();
  const begin = (more: object) => upgradeRepository(storage, { ...options(clock), ...more });
  await expect(begin({ ioDrainTimeoutNs: 1e9 })).rejects.toThrow(
    /minimum required io-drain-timeout/,
  );
  await expect(begin({ statusPollIntervalNs: 9e14 })).rejects.toThrow(
    /status-poll-interval must be/,
  );
  await expect(begin({ maxPermittedClockDriftNs: 0 })).rejects.toThrow(/max-permitted-clock-drift/);
  await expect(begin({ ownerId: "" })).rejects.toThrow(/no owner-id set/);
  expect((await loadOpenedFormat(storage, PASSWORD)).format.content.upgradeLock).toBeUndefined();
});

/** Storage with the blobs of another, and its times. */
async function copyOf(original: MemoryStorage, clock: FakeClock): Promise<MemoryStorage> {
  const copy = new MemoryStorage({ clock });
  for await (const { id, timestamp } of original.list(""))
    await copy.put(id, await original.get(id), { timestamp });
  return copy;
}

async function operationsOf(run: (storage: BlobStorage, clock: FakeClock) => Promise<unknown>) {
  const { storage, clock } = await oldRepository();
  const counting = new DyingStorage(storage);
  await run(counting, clock);
  return { count: counting.operations.length, original: (await oldRepository()).storage };
}

test("killed at any storage operation, an upgrade can be finished, and can be rolled back until the commit", async () => {
  const upgrade = (storage: BlobStorage, clock: FakeClock) =>
    upgradeRepository(storage, options(clock));
  const { count, original } = await operationsOf(upgrade);
  expect(count).toBeGreaterThan(30);
  for (let atOperation = 1; atOperation <= count; atOperation++) {
    for (const effect of ["before", "after"] as const) {
      const death: Death = { atOperation, effect };
      const clock = new FakeClock();
      clock.advance(seconds(20_000));
      const storage = await copyOf(original, clock);
      await expect(upgrade(new DyingStorage(storage, death), clock)).rejects.toThrow(/dead at/);
      await expectAllThere(storage, clock, { ownerId: "me" });
      if (atOperation % 2 === 0) {
        const { content } = await load(storage, clock, "me");
        if (content.upgradeLock !== undefined) {
          await rollbackUpgrade(storage, options(clock));
          const after = await load(storage, clock);
          expect(after.content.version).toBe(1);
          await expectAllThere(storage, clock);
        }
      }
      await upgrade(storage, clock);
      await expectAllThere(storage, clock);
      expect((await validateUpgrade(storage, options(clock))).missingCount).toBe(0);
    }
  }
}, 120_000);

test("a rollback that is killed leaves every content readable, and can be finished", async () => {
  const prepared = await oldRepository();
  await upgradeRepository(prepared.storage, { ...options(prepared.clock), commit: false });
  const counting = new DyingStorage(await copyOf(prepared.storage, prepared.clock));
  await rollbackUpgrade(counting, options(prepared.clock));
  for (let atOperation = 1; atOperation <= counting.operations.length; atOperation++) {
    for (const effect of ["before", "after"] as const) {
      const { clock } = prepared;
      const storage = await copyOf(prepared.storage, clock);
      const dying = new DyingStorage(storage, { atOperation, effect });
      await expect(rollbackUpgrade(dying, options(clock))).rejects.toThrow(/dead at/);
      await expectAllThere(storage, clock, { ownerId: "me" });
      const { content } = await load(storage, clock, "me");
      if (content.upgradeLock !== undefined) await rollbackUpgrade(storage, options(clock));
      await expectAllThere(storage, clock);
      await upgradeRepository(storage, options(clock));
      await expectAllThere(storage, clock);
    }
  }
}, 120_000);

test("a lock belongs to whoever placed it; without one there is nothing to end", async () => {
  const { storage } = await oldRepository();
  const context = { storage, formatKey, random: seededRandom(seed++) };
  await expect(requireOwnLock(context, "me")).rejects.toMatchObject({
    code: "UPGRADE_NOT_RUNNING",
  });
  const lockOf = (ownerId: string): UpgradeLock =>
    newUpgradeLock({ ownerId, fromVersion: 1, ...UPGRADE_LOCK_DEFAULTS }, 0n);
  await placeUpgradeLock(context, lockOf("me"));
  const again = await placeUpgradeLock(context, { ...lockOf("me"), message: "another" });
  expect(again.format.content.upgradeLock).toEqual(lockOf("me"));
  const upgrading = expect.objectContaining({ code: "REPOSITORY_UPGRADING" });
  await expect(placeUpgradeLock(context, lockOf("you"))).rejects.toThrow(upgrading);
  await expect(requireOwnLock(context, "you")).rejects.toThrow(upgrading);
});

test("a backup that does not read back stops the upgrade before the format changes", async () => {
  const { storage } = await oldRepository();
  const before = await storage.get("kopia.repository");
  const get = storage.get.bind(storage);
  storage.get = async (id, range) => {
    const bytes = await get(id, range);
    return id.startsWith(FORMAT_BACKUP_PREFIX) ? bytes.fill(0) : bytes;
  };
  const lock = newUpgradeLock({ ownerId: "me", fromVersion: 1, ...UPGRADE_LOCK_DEFAULTS }, 0n);
  const context = { storage, formatKey, random: seededRandom(seed++) };
  await expect(placeUpgradeLock(context, lock)).rejects.toMatchObject({ code: "UPGRADE_UNSAFE" });
  expect(await get("kopia.repository")).toEqual(before);
});
