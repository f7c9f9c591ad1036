import { fuzzRuns, seededBytes, seededRandom } from "../src/testing/index.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import * as fast from "../src/index.ts";
import { FakeClock } from "../src/testing/fake-clock.ts";

/*
 * Random repositories, made twice from one seed: by the providers of Node, and by a second copy of the library
 * that finds none of Node's modules, as in a browser.
 */
type Library = typeof fast;

let portable: Library;

beforeAll(async () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined);
  vi.resetModules();
  portable = await import("../src/index.ts");
  await portable.loadPortableZstdEncoder();
});

afterAll(() => {
  vi.restoreAllMocks();
});

const PASSWORD = "pässword";
const CLIENT = { username: "u", hostname: "h", readOnly: false, description: "" };
const HOUR_NS = 3_600_000_000_000n;
/** Levels of both families that have two providers, and none. */
const HEADER_IDS = [0, 0x1100, 0x1101, 0x1200];

/** Choices that depend on the seed alone. */
function diceOf(seed: number): (limit: number) => number {
  const random = seededRandom(seed);
  return (limit) => {
    const [a = 0, b = 0, c = 0] = random(3);
    return (a * 65_536 + b * 256 + c) % limit;
  };
}

interface Made {
  readonly storage: fast.BlobStorage;
  readonly format: fast.RepositoryFormat;
  readonly clock: FakeClock;
}

/** Makes a repository of a random format and works on it: writes, deletions, manifests, many flushes, compaction. */
async function make(library: Library, seed: number): Promise<Made> {
  const dice = diceOf(seed);
  const one = <T>(choices: readonly T[]): T => choices[dice(choices.length)] as T;
  const clock = new FakeClock();
  const random = seededRandom(seed + 1);
  const storage = new library.MemoryStorage({ clock });
  const version = one([1, 2, 3]);
  const isCorrecting = version > 1 && dice(3) === 0;
  const format = await library.createRepository(storage, {
    password: PASSWORD,
    random,
    format: {
      version,
      hash: one(library.HASH_NAMES),
      encryption: one(library.ENCRYPTION_NAMES),
      splitter: one(library.SPLITTER_NAMES.filter((name) => /128K|256K/.test(name))),
      keyAlgorithm: one(library.KEY_ALGORITHM_NAMES),
      ...(isCorrecting && { ecc: "REED-SOLOMON-CRC32", eccOverheadPercent: 1 + dice(40) }),
    },
  });
  const repository = await open(library, { storage, format, clock }, random);
  // In version 1 objects are compressed, so that even the IDs of contents depend on the library.
  const headerIds = version === 1 ? [0] : HEADER_IDS;
  for (let round = 0; round < 3; round++) {
    clock.advance(BigInt(1 + dice(30)) * HOUR_NS);
    const session = await repository.writeSession();
    for (let i = 1 + dice(6); i > 0; i--) {
      const data = seededBytes(dice(100), one([1, 700, 30_000, 400_000]));
      const text = dice(2) === 0 ? data : data.map((byte) => 97 + (byte & 3));
      const id = session.objects.writeObject(text, {
        prefix: one(["", "", "k"]),
        compressionHeaderId: one(headerIds),
        metadataCompressionHeaderId: one(headerIds),
      });
      // Of two of one moment, chance would say which is the older.
      clock.advance(1_000_000_000n);
      await session.manifests.put({ type: "t", round: String(round) }, JSON.stringify({ id }));
    }
    const [oldest] = await session.manifests.find({ type: "t" });
    if (oldest !== undefined && dice(2) === 0) await session.manifests.delete(oldest.id);
    await session.flush();
    await session[Symbol.asyncDispose]();
  }
  const maintenance = library.createEpochMaintenance({
    ...{ storage, format, clock, random },
    hash: await library.createHashFunction(format.content.hash, format.content.secret),
    encryptor: library.createContentEncryptor(format.content, random),
  });
  clock.advance(100n * HOUR_NS);
  await maintenance?.compactSingleEpoch();
  return { storage, format, clock };
}

function open(library: Library, made: Made, random = seededRandom(3)): Promise<fast.Repository> {
  const { storage, format, clock } = made;
  return library.openRepository(storage, {
    password: PASSWORD,
    format,
    client: CLIENT,
    clock,
    random,
  });
}

interface Seen {
  readonly contents: readonly (readonly unknown[])[];
  readonly manifests: readonly (readonly unknown[])[];
}

/** Without what chance decides, whose course depends on how well something was packed. */
function withoutChance({ contents, manifests }: Seen): unknown {
  return {
    contents: contents.filter(([contentId]) => !String(contentId).startsWith("m")),
    manifests: manifests.map(([, ...rest]) => JSON.stringify(rest)).sort(),
  };
}

/** Everything that a reader finds: contents, manifests, the objects that they name. */
async function readAll(library: Library, made: Made): Promise<Seen> {
  const repository = await open(library, made);
  const contents: unknown[][] = [];
  for (const { contentId, deleted } of repository.contents.contents({ includeDeleted: true })) {
    const data = await repository.contents.getContent(contentId);
    contents.push([contentId, deleted, fast.toHex(data.subarray(0, 64)), data.length]);
  }
  const manifests: unknown[][] = [];
  for (const { id, labels } of await repository.manifests.find({})) {
    const payload = await repository.manifests.getPayload(id);
    const named = JSON.parse(payload) as { readonly id: string };
    const object = await repository.objects.readObject(named.id);
    manifests.push([id, { ...labels }, payload, object.length]);
  }
  return { contents, manifests };
}

test("the second copy of the library has only portable providers", async () => {
  const hash = await portable.createHashFunction("HMAC-SHA256", new Uint8Array(32));
  const encryptor = portable.createEncryptor(portable.DEFAULT_ENCRYPTION, new Uint8Array(32));
  expect([hash.provider, encryptor.provider]).toEqual(["portable", "portable"]);
  expect(portable.compressorByHeaderId(0x1100)?.provider).toBe("portable");
  expect(fast.compressorByHeaderId(0x1100)?.provider).toBe("fast");
});

const count = Number(process.env["RANDOM_REPOSITORIES"] ?? fuzzRuns(3));
const firstSeed = Number(process.env["RANDOM_SEED"] ?? 1);

test.each(Array.from({ length: count }, (_, i) => firstSeed + i))(
  "portable and fast providers make and read the same random repository %i",
  { timeout: 300_000 },
  async (seed) => {
    const [byFast, byPortable] = [await make(fast, seed), await make(portable, seed)];
    const [ofFast, ofPortable] = [await readAll(fast, byFast), await readAll(fast, byPortable)];
    expect(ofFast.contents.length).toBeGreaterThan(3);
    expect(withoutChance(ofPortable)).toEqual(withoutChance(ofFast));
    expect(await readAll(portable, byFast)).toEqual(ofFast);
    expect(await readAll(portable, byPortable)).toEqual(ofPortable);
    for (const library of [fast, portable]) {
      for (const { storage, format } of [byFast, byPortable]) {
        const loaded = await library.loadRepositoryFormat(storage, PASSWORD);
        expect(loaded.content).toEqual(format.content);
      }
    }
  },
);
