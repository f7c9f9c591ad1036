import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  EMPTY_SCHEDULE,
  FORMAT_BLOB_ID,
  MemoryStorage,
  OverlayStorage,
  collectAsync,
  createContentEncryptor,
  createEpochMaintenance,
  createHashFunction,
  openFilesystemStorage,
  type BlobMetadata,
  type BlobStorage,
  type Clock,
  type ContentEntry,
  type Repository,
} from "@kopia-engine/kopia-format";
import { FakeClock, FaultyStorage } from "@kopia-engine/kopia-format/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  DEFAULT_POLICY,
  FINDING_CODES,
  GLOBAL_TARGET,
  listSnapshots,
  recoverIndex,
  runDoctor,
  saveSchedule,
  setMaintenanceParameters,
  setPolicy,
  verifySnapshots,
  type DoctorReport,
  type FindingCode,
} from "../src/index.ts";
import { memoryRepository } from "./memory-repository.ts";
import { writeMemorySnapshot } from "./memory-snapshot.ts";

const HOUR_NS = 3_600_000_000_000n;
const CLIENT = { username: "user", hostname: "host" };

/** A repository in memory under a clock of its own, with an owner of its maintenance. */
class World {
  readonly clock = new FakeClock();
  readonly storage: BlobStorage;
  repository!: Repository;

  constructor(storageClock?: Clock) {
    this.storage = new MemoryStorage({ clock: storageClock ?? this.clock });
  }

  static async create(storageClock?: Clock): Promise<World> {
    const world = new World(storageClock);
    const { storage: empty } = await memoryRepository();
    for (const { id } of await collectAsync(empty.list(""))) {
      await world.storage.put(id, await empty.get(id));
    }
    await world.open();
    await world.write(async ({ manifests }) => {
      const parameters = { ...DEFAULT_MAINTENANCE_PARAMETERS, owner: "user@host" };
      await setMaintenanceParameters(manifests, parameters);
    });
    return world;
  }

  async open(): Promise<void> {
    const { storage, clock } = this;
    this.repository = (await memoryRepository({ storage, clock })).repository;
  }

  async write(
    work: (session: Awaited<ReturnType<Repository["writeSession"]>>) => unknown,
  ): Promise<void> {
    await using session = await this.repository.writeSession();
    await work(session);
    await session.flush();
  }

  snapshot(files: Readonly<Record<string, string>>, seconds = 1n): Promise<void> {
    return writeMemorySnapshot(this.repository, files, seconds);
  }

  list(prefix: string): Promise<BlobMetadata[]> {
    return collectAsync(this.storage.list(prefix));
  }

  examine(storage = this.storage): Promise<DoctorReport> {
    const { clock } = this;
    const { format } = this.repository;
    return runDoctor({ storage, format, clock, client: CLIENT });
  }

  async crypto() {
    const { format, random } = this.repository;
    return {
      hash: await createHashFunction(format.content.hash, format.content.secret),
      encryptor: createContentEncryptor(format.content, random),
    };
  }
}

function codesOf({ findings }: DoctorReport): readonly FindingCode[] {
  return findings.map(({ code }) => code);
}

/** How each finding comes about that the recorded repositories do not show. */
const PLANTS: Partial<Record<FindingCode, (world: World) => Promise<void>>> = {
  async "content-lost"(world) {
    // The data in one session, what refers to it in another; then the first one's blobs vanish.
    await world.write(({ objects }) => objects.writeObject(new TextEncoder().encode("lost")));
    const lost = [...(await world.list("p")), ...(await world.list("xn"))];
    const known = new Set(lost.map(({ id }) => id));
    await world.snapshot({ file: "lost", other: "found" });
    for (const { id } of await world.list("p")) if (known.has(id)) await world.storage.delete(id);
    const index = lost.filter(({ id }) => id.startsWith("xn"));
    for (const { id } of index) {
      const pack = lost.find((blob) => blob.id.startsWith("p"));
      const session = pack?.id.split("-")[1] ?? "";
      if (id.includes(session)) await world.storage.delete(id);
    }
    expect(index.length).toBeGreaterThan(0);
  },
  async "content-forgotten"(world) {
    await world.snapshot({ file: "text" });
    const entry = dataContent(world);
    await world.write(({ contents }) => contents.deleteContent(entry?.contentId ?? ""));
    const deletedAt = world.clock.now() / 1_000_000_000n;
    world.clock.advance(HOUR_NS);
    await world.storage.put(`xw${deletedAt + 10n}`, new TextEncoder().encode("deletion-watermark"));
  },
  async "content-deleted-in-use"(world) {
    await world.snapshot({ file: "text" });
    const entry = dataContent(world);
    await world.write(({ contents }) => contents.deleteContent(entry?.contentId ?? ""));
  },
  async "snapshot-manifest-invalid"(world) {
    const labels = { type: "snapshot", username: "user", hostname: "host", path: "/x" };
    await world.write(({ manifests }) => manifests.put(labels, '{"startTime":"yesterday"}'));
  },
  async "pack-index-damaged"(world) {
    await world.snapshot({ file: "text" });
    const [pack] = await world.list("p");
    const bytes = await world.storage.get(pack?.id ?? "");
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    await world.storage.put(pack?.id ?? "", bytes);
  },
  async "session-stale"(world) {
    await leaveSession(world);
    world.clock.advance(5n * 24n * HOUR_NS);
  },
  "session-unfinished": leaveSession,
  async "unreferenced-packs"(world) {
    await world.snapshot({ file: "text" });
    const [pack] = await world.list("p");
    // A whole pack, under another name: its own index names the other one.
    const bytes = await world.storage.get(pack?.id ?? "");
    await world.storage.put(`p${"0".repeat(32)}-s0123456789abcdef147`, bytes);
  },
  async "clock-skew"(world) {
    // The storage stands still while the writer goes on.
    world.clock.advance(HOUR_NS);
    await world.snapshot({ file: "text" });
  },
  async "epoch-stuck"(world) {
    for (let i = 0; i < 22; i++) {
      await world.write(({ objects }) => objects.writeObject(Uint8Array.of(i)));
      world.clock.advance(5n * HOUR_NS);
    }
  },
  async "index-blobs-many"(world) {
    await world.snapshot({ file: "text" });
    const [blob] = await world.list("xn");
    const bytes = await world.storage.get(blob?.id ?? "");
    const head = (blob?.id ?? "").split("-")[0];
    for (let i = 0; i < 1001; i++) {
      await world.storage.put(`${head}-s${i.toString(16).padStart(16, "0")}147-c1`, bytes);
    }
  },
  async "maintenance-overdue"(world) {
    await world.snapshot({ file: "text" });
    world.clock.advance(10n * 24n * HOUR_NS);
    await world.snapshot({ file: "other" }, 2n);
  },
  async "maintenance-failing"(world) {
    const now = world.clock.now();
    const run = { start: now, end: now, success: false, error: "disk on fire", extra: [] };
    const runs = new Map([["snapshot-gc", [run]]]);
    await saveSchedule(world.repository, { ...EMPTY_SCHEDULE, runs });
  },
  async "maintenance-parameters-damaged"(world) {
    await world.write(({ manifests }) =>
      manifests.replace({ type: "maintenance" }, '{"owner":["not","text"]}'),
    );
  },
  async "retention-keeps-nothing"(world) {
    await world.snapshot({ file: "text" });
    const none = {
      keepLatest: 0,
      keepHourly: 0,
      keepDaily: 0,
      keepWeekly: 0,
      keepMonthly: 0,
      keepAnnual: 0,
    };
    await world.write(({ manifests }) =>
      setPolicy(manifests, GLOBAL_TARGET, { ...DEFAULT_POLICY, retention: none }),
    );
  },
  async "format-unsupported"(world) {
    const text = new TextDecoder().decode(await world.storage.get(FORMAT_BLOB_ID));
    const other = text.replace("AES256_GCM", "AES512_GCM");
    await world.storage.put(FORMAT_BLOB_ID, new TextEncoder().encode(other));
  },
};

/** The content of the only file. */
function dataContent({ repository }: World): ContentEntry | undefined {
  return [...repository.contents.contents()].find(({ packBlobId }) => packBlobId.startsWith("p"));
}

/** A client that dies after its first pack: the marker and the pack stay. */
async function leaveSession(world: World): Promise<void> {
  const kill = { kind: "killAfter", operations: ["put"], idPrefix: "p" } as const;
  const faulty = new FaultyStorage(world.storage, [kill]);
  const { repository } = await memoryRepository({ storage: faulty, clock: world.clock });
  await writeMemorySnapshot(repository, { file: "unfinished" }, 9n).catch(() => undefined);
  expect(faulty.killed).toBe(true);
}

/** What else such a state shows. */
const ALSO: Partial<Record<FindingCode, readonly FindingCode[]>> = {
  "content-forgotten": ["unreferenced-packs"],
  "session-stale": ["session-unfinished"],
  "epoch-stuck": ["maintenance-overdue"],
};

describe.each(Object.keys(PLANTS) as FindingCode[])("%s", (code) => {
  test("is found where it was planted, and only there", async () => {
    const frozen = new FakeClock();
    const world = await World.create(code === "clock-skew" ? frozen : undefined);
    expect(codesOf(await world.examine())).toEqual([]);
    await PLANTS[code]?.(world);
    const report = await world.examine();
    expect(codesOf(report).toSorted(byText)).toEqual([code, ...(ALSO[code] ?? [])].sort(byText));
    expect(report.incomplete).toEqual([]);
    expect(report.verdict).toBe(
      report.findings.every(({ severity }) => severity === "note") ? "healthy" : "problems",
    );
  });
});

/** Shown by the recorded repositories or elsewhere. */
const ELSEWHERE: readonly FindingCode[] = [
  "content-damaged",
  "data-repaired",
  "foreign-files",
  "format-blob-damaged",
  "format-blob-missing",
  "format-settings-damaged",
  "format-settings-missing",
  "future-timestamps",
  "index-blob-damaged",
  "index-entries-lost",
  "index-missing",
  "maintenance-owner-unseen",
  "maintenance-schedule-damaged",
  "manifest-damaged",
  "pack-missing",
  "pack-truncated",
  "password-wrong",
  "session-marker-damaged",
  "shards-damaged",
  "shards-mismatch",
  "storage-permissions",
  "storage-unreadable",
  "temporary-files",
  "upgrade-lock",
];

test("every kind of finding comes about in some test", () => {
  const shown = [...(Object.keys(PLANTS) as FindingCode[]), ...ELSEWHERE];
  expect(shown.toSorted(byText)).toEqual(
    (Object.keys(FINDING_CODES) as FindingCode[]).toSorted(byText),
  );
});

test("files of a directory: a layout that does not fit, modes, leftovers, what may not be read", async () => {
  const path = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    const world = await World.create();
    await world.snapshot({ file: "text" });
    const files = await openFilesystemStorage({ path, create: true });
    for (const { id } of await world.list("")) await files.put(id, await world.storage.get(id));
    const now = BigInt(Date.parse("2024-01-02T03:04:05Z")) * 1_000_000n;
    const examine = async (): Promise<DoctorReport> =>
      runDoctor({
        storage: await openFilesystemStorage({ path, readOnly: true }),
        directory: path,
        format: world.repository.format,
        client: CLIENT,
      });
    expect(codesOf(await examine())).toEqual([]);
    const old = Number(now / 1_000_000_000n);
    writeFileSync(join(path, "p.f.tmp.0123456789abcdef"), "left over");
    utimesSync(join(path, "p.f.tmp.0123456789abcdef"), old, old);
    chmodSync(join(path, "kopia.blobcfg.f"), 0o666);
    expect(codesOf(await examine())).toEqual(["storage-permissions", "temporary-files"]);
    rmSync(join(path, "p.f.tmp.0123456789abcdef"));
    chmodSync(join(path, "kopia.blobcfg.f"), 0o600);
    writeFileSync(join(path, ".shards"), '{"default":[2,2],"maxNonShardedLength":20}\n');
    // All else is examined all the same, where the files are.
    expect(await examine()).toMatchObject({
      findings: [{ code: "shards-mismatch" }],
      incomplete: [],
      totals: { snapshotCount: 1 },
    });
    writeFileSync(join(path, ".shards"), "{");
    expect(await examine()).toMatchObject({
      findings: [{ code: "shards-damaged" }],
      totals: { snapshotCount: 1 },
    });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});

test.skipIf(process.getuid?.() === 0)("a directory that may not be read: incomplete", async () => {
  const path = mkdtempSync(join(tmpdir(), "doctor-"));
  try {
    const world = await World.create();
    const files = await openFilesystemStorage({ path, create: true });
    for (const { id } of await world.list("")) await files.put(id, await world.storage.get(id));
    chmodSync(join(path, "x"), 0);
    const storage = await openFilesystemStorage({ path, readOnly: true });
    const { format } = world.repository;
    const report = await runDoctor({ storage, directory: path, format, client: CLIENT });
    expect(codesOf(report)).toContain("storage-unreadable");
    expect(report.verdict).toBe("incomplete");
    chmodSync(join(path, "x"), 0o700);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});

/** Hides blobs from listings, as storage with a stale listing does. */
class ForgetfulStorage extends OverlayStorage {
  hidden = "";

  override async *list(prefix: string): AsyncGenerator<BlobMetadata> {
    for await (const blob of super.list(prefix)) if (blob.id !== this.hidden) yield blob;
  }
}

describe("kopia#5371: a compaction made from an incomplete set", () => {
  test("whichever flush is left out: named with its packs and exactly the snapshots that it breaks, and recovered", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 5 }), fc.nat(), async (count, pick) => {
        const world = await World.create();
        for (let i = 1; i <= count; i++) {
          const files = { shared: "shared by all", own: `own ${i}`, pair: `pair ${i >> 1}` };
          await world.snapshot(files, BigInt(i));
          world.clock.advance(HOUR_NS);
        }
        const flushes = await world.list("xn0_");
        const victim = flushes[pick % flushes.length]?.id ?? "";
        await compactWithout(world, victim);
        const report = await world.examine();
        await world.open();
        const broken = await brokenSnapshots(world.repository);
        const session = victim.split("-")[1] ?? "";
        const packs = [...(await world.list("p")), ...(await world.list("q"))]
          .map(({ id }) => id)
          .filter((id) => id.endsWith(session));
        const [lost, ...others] = report.findings;
        expect(lost?.code).toBe("index-entries-lost");
        expect(
          others.filter(({ severity }) => severity !== "note").map(({ code }) => code),
        ).toEqual(
          // The flush that makes the owner known may be the one that is lost.
          session === flushes[0]?.id.split("-")[1] ? ["maintenance-owner-unseen"] : [],
        );
        expect(new Set(lost?.details["packs"] as string[])).toEqual(new Set(packs));
        const affected = lost?.affected === "all" ? [] : (lost?.affected ?? []);
        const visible = affected.filter(({ isInvisible }) => !isInvisible);
        expect(new Set(visible.map(({ manifestId }) => manifestId))).toEqual(broken);
        await recoverIndex({ repository: world.repository, commit: true });
        await world.open();
        expect(await brokenSnapshots(world.repository)).toEqual(new Set());
        expect((await listSnapshots(world.repository.manifests)).length).toBe(count);
        expect((await world.examine()).findings.map(({ code }) => code)).toEqual([]);
      }),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 6) },
    );
  });
});

/** Settles epoch 0 and compacts it from a listing that lacks one flush; then the flushes are cleaned up. */
async function compactWithout(world: World, victim: string): Promise<void> {
  const marker = new TextEncoder().encode("epoch-marker");
  const forgetful = new ForgetfulStorage(world.storage);
  forgetful.hidden = victim;
  await world.storage.put("xe1", marker);
  await world.storage.put("xe2", marker);
  const { format, clock, random } = world.repository;
  const options = { storage: forgetful, format, clock, random, ...(await world.crypto()) };
  await createEpochMaintenance(options)?.compactSingleEpoch();
  const compactions = await collectAsync(forgetful.list("xs0_"));
  expect(compactions.length).toBeGreaterThan(0);
  for (const { id } of compactions) await world.storage.put(id, await forgetful.get(id));
  for (const { id } of await world.list("xn0_")) await world.storage.delete(id);
}

async function brokenSnapshots(repository: Repository): Promise<ReadonlySet<string>> {
  const broken = new Set<string>();
  for (const { id, rootEntry } of await listSnapshots(repository.manifests)) {
    if (rootEntry === undefined) continue;
    const roots = [{ path: id, entry: rootEntry }];
    const { errors } = await verifySnapshots({ repository, roots, maxErrors: -1 });
    if (errors.length > 0) broken.add(id);
  }
  return broken;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
