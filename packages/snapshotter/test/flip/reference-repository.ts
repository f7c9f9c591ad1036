import { utimesSync, writeFileSync } from "node:fs";
import {
  MemoryStorage,
  collectAsync,
  createContentEncryptor,
  createHashFunction,
  createRepository,
  createV0IndexMaintenance,
  loadRepositoryFormat,
  openFilesystemStorage,
  openRepository,
  type BlobStorage,
  type NewRepositoryFormat,
  type Repository,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { FakeClock, seededBytes, seededRandom } from "@kopia-engine/kopia-format/testing";
import { loadFixture } from "@kopia-engine/test-fixtures";
import {
  EMPTY_POLICY,
  GLOBAL_TARGET,
  createSnapshot,
  deleteSnapshot,
  prepareNewRepository,
  runMaintenance,
  setPolicy,
} from "../../src/index.ts";
import { tempDirectory } from "../temp-directory.ts";
import { writeTree } from "../write-tree.ts";
import type { HeldBlob } from "./observed-storage.ts";

/** A small repository, whole in memory. */
export interface ReferenceRepository {
  readonly name: string;
  readonly password: string;
  readonly format: RepositoryFormat;
  readonly blobs: readonly HeldBlob[];
}

/** Formats of the repositories that are made here. */
export const REFERENCE_FORMATS: Readonly<Record<string, NewRepositoryFormat>> = {
  v3: { splitter: "FIXED-128K" },
  v2: {
    version: 2,
    splitter: "FIXED-128K",
    hash: "HMAC-SHA3-224",
    encryption: "CHACHA20-POLY1305-HMAC-SHA256",
    keyAlgorithm: "pbkdf2-sha256-600000",
  },
  v1: { version: 1, splitter: "FIXED-128K", hash: "HMAC-SHA256" },
  ecc: { splitter: "FIXED-128K", ecc: "REED-SOLOMON-CRC32", eccOverheadPercent: 20 },
};

const PASSWORD = "reference";
const CLIENT = { username: "user", hostname: "host", readOnly: false, description: "" };
const FIRST_NS = 1_700_000_000_000_000_000n;
const MINUTE_NS = 60_000_000_000n;

/** Makes a repository with a bit of everything: snapshots, a deletion, policies, upkeep, a session that is open. */
export async function makeReference(name: string): Promise<ReferenceRepository> {
  const wanted = REFERENCE_FORMATS[name];
  if (wanted === undefined) return referenceOfFixture(name);
  const clock = new FakeClock(FIRST_NS);
  const storage = new MemoryStorage({ clock });
  const random = seededRandom(7);
  const format = await createRepository(storage, { password: PASSWORD, format: wanted, random });
  const repository = await openRepository(storage, {
    password: PASSWORD,
    format,
    client: CLIENT,
    clock,
    random,
  });
  await fill(repository, clock);
  return { name, password: PASSWORD, format, blobs: await blobsOf(storage) };
}

/** A recorded repository of the real program. */
async function referenceOfFixture(name: string): Promise<ReferenceRepository> {
  const fixture = loadFixture(name);
  const { password } = fixture;
  using unpacked = fixture.unpack();
  const storage = await openFilesystemStorage({ path: unpacked.path, readOnly: true });
  const format = await loadRepositoryFormat(storage, password);
  return { name, password, format, blobs: await blobsOf(storage) };
}

async function blobsOf(storage: BlobStorage): Promise<HeldBlob[]> {
  const blobs: HeldBlob[] = [];
  for (const { id, timestamp } of await collectAsync(storage.list(""))) {
    blobs.push({ id, timestamp, data: await storage.get(id) });
  }
  return blobs.sort((a, b) => (a.id < b.id ? -1 : 1));
}

async function fill(repository: Repository, clock: FakeClock): Promise<void> {
  using directory = tempDirectory();
  const path = writeTree(directory.join("source"), {
    "a.txt": "text that can be packed ".repeat(40),
    empty: "",
    link: { link: "a.txt" },
    below: { "b.bin": seededBytes(1, 300), zeros: new Uint8Array(300_000) },
  });
  const snapshot = async (round: number): Promise<string> => {
    clock.advance(MINUTE_NS);
    writeFileSync(`${path}/changing`, seededBytes(round, 200));
    for (const file of ["a.txt", "empty", "changing", "below/b.bin", "below/zeros"]) {
      utimesSync(`${path}/${file}`, round, round);
    }
    await using session = await repository.writeSession();
    const source = { userName: CLIENT.username, host: CLIENT.hostname, path: "/data" };
    const { manifest } = await createSnapshot(session, {
      source,
      path,
      timeZone: "UTC",
      random: repository.random,
    });
    await session.flush();
    await repository.refresh();
    return manifest.id;
  };
  await setUp(repository);
  const first = await snapshot(1);
  await snapshot(2);
  await remove(repository, first);
  clock.advance(MINUTE_NS);
  await keepUp(repository);
  await snapshot(3);
  // A client that is still at work has a marker, and a pack that nothing names.
  const open = await repository.writeSession();
  open.objects.writeObject(seededBytes(9, 100));
  await open.contents.settle();
}

async function setUp(repository: Repository): Promise<void> {
  await using session = await repository.writeSession();
  await prepareNewRepository(session);
  const compression = { compressorName: "zstd-fastest" };
  await setPolicy(session.manifests, GLOBAL_TARGET, { ...EMPTY_POLICY, compression });
  await session.flush();
  await repository.refresh();
}

async function remove(repository: Repository, id: string): Promise<void> {
  await using session = await repository.writeSession();
  await deleteSnapshot(session.manifests, id);
  await session.flush();
  await repository.refresh();
}

async function keepUp(repository: Repository): Promise<void> {
  const { storage, format, clock, random } = repository;
  if (format.content.epochParameters.enabled) {
    await runMaintenance({ repository, mode: "full", safety: "none", allowLargeDeletion: true });
  } else {
    const maintenance = createV0IndexMaintenance({
      storage,
      format,
      clock,
      random,
      hash: await createHashFunction(format.content.hash, format.content.secret),
      encryptor: createContentEncryptor(format.content, random),
    });
    await maintenance?.compact({ maxSmallBlobs: 1, allIndexes: true });
  }
  await repository.refresh();
}
