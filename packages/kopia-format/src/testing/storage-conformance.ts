import { bytesEqual, concatBytes, utf8Encode, type Bytes } from "../base/bytes.ts";
import type { ErrorCode } from "../base/error-codes.ts";
import { collectAsync } from "../base/collect-async.ts";
import { isKopiaError } from "../base/errors.ts";
import type { BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { seededBytes } from "./seeded.ts";

/** The part of a test framework that the suite needs; vitest and `node:test` both have it. */
export interface ConformanceTestApi {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

/** What is tested. */
export interface StorageConformanceOptions {
  /** For the test names. */
  readonly name: string;
  /** Opens empty, writable storage. */
  readonly open: () => Promise<BlobStorage>;
  /** Removes what `open` made. */
  readonly dispose?: (storage: BlobStorage) => Promise<void>;
  /** Whether `put` can set the timestamp. Default true. */
  readonly setsTimestamps?: boolean;
  /** How exact set timestamps come back, in nanoseconds. Default 1. */
  readonly timestampStepNs?: bigint;
}

/** IDs of every kind that a repository has (spec 1 §1.6). */
const SAMPLE_IDS = [
  "kopia.repository",
  "kopia.blobcfg",
  "p0102030405060708090a0b0c0d0e0f10-s0011223344556677144",
  "p0102030405060708090a0b0c0d0e0f10",
  "q0102030405060708090a0b0c0d0e0f10-s0011223344556677144",
  "xn0_f01f2e1e0102030405060708090a0b0c-s0011223344556677144-c1",
  "xn12_f01f2e1e0102030405060708090a0b0c-s0011223344556677144-c1",
  "xe12",
  "xw1770000000",
  "_log_20260821101112_abcd_1_2_3_f01f2e1e0102030405060708090a0b0c",
  "s9c04b10102030405060708090a0b0c0d-s0011223344556677144",
];

/**
 * The tests that every `BlobStorage` must pass: memory, filesystem, wrappers and what others write.
 * Pass the functions of the test framework in, so that nothing of it is loaded in production.
 *
 * @example
 * import { describe, test } from "vitest";
 * storageConformanceSuite({ describe, test }, { name: "memory", open: async () => new MemoryStorage() });
 */
export function storageConformanceSuite(
  api: ConformanceTestApi,
  options: StorageConformanceOptions,
): void {
  const check = (name: string, body: (storage: BlobStorage) => Promise<void>): void => {
    api.test(name, async () => {
      const storage = await options.open();
      try {
        await body(storage);
      } finally {
        await storage.close();
        await options.dispose?.(storage);
      }
    });
  };
  api.describe(`blob storage: ${options.name}`, () => {
    checkPutAndGet(check);
    checkRanges(check);
    checkListing(check);
    checkDelete(check);
    checkWriters(check);
    checkTimestamps(check, options);
    checkConcurrency(check);
  });
}

type Check = (name: string, body: (storage: BlobStorage) => Promise<void>) => void;

function checkPutAndGet(check: Check): void {
  check("a put blob is read back, whatever its kind and size", async (storage) => {
    for (const [index, id] of SAMPLE_IDS.entries()) {
      const data = seededBytes(index, index * 1000);
      const metadata = await storage.put(id, data);
      expectEqual(metadata.id, id);
      expectEqual(metadata.lengthBytes, data.length);
      expectBytes(await storage.get(id), data);
      expectSameBlob(await storage.getMetadata(id), metadata);
    }
  });

  check("a blob of several megabytes is read back", async (storage) => {
    const data = seededBytes(7, 3 * 2 ** 20 + 17);
    await storage.put("p-large", data);
    expectBytes(await storage.get("p-large"), data);
    const range = { offsetBytes: 2 ** 20 - 1, lengthBytes: 2 ** 21 };
    expectBytes(await storage.get("p-large", range), data.subarray(2 ** 20 - 1, 3 * 2 ** 20 - 1));
  });

  check("a put replaces the blob", async (storage) => {
    await storage.put("kopia.maintenance", utf8Encode("a longer first version"));
    await storage.put("kopia.maintenance", utf8Encode("second"));
    expectBytes(await storage.get("kopia.maintenance"), utf8Encode("second"));
    expectEqual((await collect(storage, "")).length, 1);
  });

  check("storage keeps its own copy of the bytes", async (storage) => {
    const data = utf8Encode("original");
    await storage.put("xe1", data);
    data.fill(0);
    const read = await storage.get("xe1");
    expectBytes(read, utf8Encode("original"));
    read.fill(0);
    expectBytes(await storage.get("xe1"), utf8Encode("original"));
  });

  check("a missing blob is BLOB_NOT_FOUND", async (storage) => {
    await storage.put("xe1", utf8Encode("present"));
    await expectCode("BLOB_NOT_FOUND", () => storage.get("xe2"));
    await expectCode("BLOB_NOT_FOUND", () => storage.get("xe", { offsetBytes: 0, lengthBytes: 0 }));
    await expectCode("BLOB_NOT_FOUND", () =>
      storage.getMetadata("p0102030405060708090a0b0c0d0e0f10"),
    );
  });
}

function checkRanges(check: Check): void {
  check("ranges inside the blob are exact", async (storage) => {
    const data = seededBytes(1, 1000);
    await storage.put("p-range", data);
    for (const [offsetBytes, lengthBytes] of [
      [0, 0],
      [0, 1],
      [0, 1000],
      [999, 1],
      [1000, 0],
      [100, 500],
    ] as const) {
      const read = await storage.get("p-range", { offsetBytes, lengthBytes });
      expectBytes(read, data.subarray(offsetBytes, offsetBytes + lengthBytes));
    }
  });

  check("ranges that the blob does not have are STORAGE_RANGE", async (storage) => {
    await storage.put("p-range", seededBytes(1, 1000));
    for (const [offsetBytes, lengthBytes] of [
      [0, 1001],
      [1000, 1],
      [999, 2],
      [1001, 0],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [2 ** 60, 1],
      [0, 2 ** 50],
      [Number.NaN, 1],
    ] as const) {
      await expectCode("STORAGE_RANGE", () => storage.get("p-range", { offsetBytes, lengthBytes }));
    }
  });
}

function checkListing(check: Check): void {
  check("list gives exactly the blobs of a prefix, with what metadata says", async (storage) => {
    for (const id of SAMPLE_IDS) await storage.put(id, utf8Encode(id));
    for (const prefix of [
      "",
      "p",
      "p01",
      "x",
      "xn",
      "xn0_",
      "xn1",
      "kopia.",
      "_log_",
      "zz",
      "xe12",
    ]) {
      const expected = SAMPLE_IDS.filter((id) => id.startsWith(prefix)).toSorted();
      const listed = await collect(storage, prefix);
      expectEqual(
        listed
          .map(({ id }) => id)
          .toSorted()
          .join(),
        expected.join(),
      );
      for (const blob of listed) expectSameBlob(await storage.getMetadata(blob.id), blob);
    }
  });

  check("an empty storage lists nothing", async (storage) => {
    expectEqual((await collect(storage, "")).length, 0);
  });

  check("a listing that is not read to its end does no harm", async (storage) => {
    for (const id of SAMPLE_IDS) await storage.put(id, utf8Encode(id));
    for await (const blob of storage.list("")) {
      expectEqual(SAMPLE_IDS.includes(blob.id), true);
      break;
    }
    expectEqual((await collect(storage, "")).length, SAMPLE_IDS.length);
  });
}

function checkDelete(check: Check): void {
  check("delete removes a blob; a missing one is success", async (storage) => {
    await storage.put("xe1", utf8Encode("1"));
    await storage.put("xe12", utf8Encode("12"));
    await storage.delete("xe1");
    await storage.delete("xe1");
    await storage.delete("p0102030405060708090a0b0c0d0e0f10");
    await expectCode("BLOB_NOT_FOUND", () => storage.get("xe1"));
    expectBytes(await storage.get("xe12"), utf8Encode("12"));
    expectEqual((await collect(storage, "")).length, 1);
  });
}

function checkWriters(check: Check): void {
  check("a blob in pieces appears whole at commit, and not before", async (storage) => {
    const data = seededBytes(3, 2 ** 20 + 12_345);
    const writer = storage.openWriter("p-pieces");
    let offset = 0;
    for (const lengthBytes of [0, 1, 100, 65_536, 300_000, 7]) {
      const piece = data.slice(offset, offset + lengthBytes);
      writer.append(piece);
      // The caller reuses its array at once.
      piece.fill(0);
      offset += lengthBytes;
      expectEqual(writer.lengthBytes, offset);
    }
    writer.append(data.subarray(offset));
    expectEqual((await collect(storage, "")).length, 0);
    await expectCode("BLOB_NOT_FOUND", () => storage.get("p-pieces"));
    const metadata = await writer.commit();
    expectEqual(metadata.lengthBytes, data.length);
    expectSameBlob(await storage.getMetadata("p-pieces"), metadata);
    expectBytes(await storage.get("p-pieces"), data);
  });

  check("a writer without pieces makes an empty blob", async (storage) => {
    await storage.openWriter("p-empty").commit();
    expectEqual((await storage.get("p-empty")).length, 0);
  });

  check("an aborted writer leaves nothing; abort may be repeated", async (storage) => {
    const writer = storage.openWriter("p-aborted");
    writer.append(seededBytes(4, 500_000));
    await writer.abort();
    await writer.abort();
    expectEqual((await collect(storage, "")).length, 0);
    await expectCode("SESSION_BROKEN", async () => writer.append(new Uint8Array(1)));
    await expectCode("SESSION_BROKEN", () => writer.commit());
  });

  check("a committed writer takes nothing more", async (storage) => {
    const writer = storage.openWriter("p-committed");
    writer.append(utf8Encode("all"));
    await writer.commit();
    await expectCode("SESSION_BROKEN", async () => writer.append(new Uint8Array(1)));
    await expectCode("SESSION_BROKEN", () => writer.commit());
    expectBytes(await storage.get("p-committed"), utf8Encode("all"));
  });
}

function checkTimestamps(check: Check, options: StorageConformanceOptions): void {
  const { setsTimestamps = true, timestampStepNs = 1n } = options;
  if (!setsTimestamps) return;
  check("a put can set the timestamp", async (storage) => {
    const timestamp = 1_600_000_000_123_456_789n;
    const metadata = await storage.put("p-dated", utf8Encode("dated"), { timestamp });
    expectNear(metadata.timestamp, timestamp, timestampStepNs);
    expectNear((await storage.getMetadata("p-dated")).timestamp, timestamp, timestampStepNs);
  });
}

function checkConcurrency(check: Check): void {
  check("operations may overlap in any way", async (storage) => {
    const ids = Array.from({ length: 40 }, (_, index) => `p${index}-${"0".repeat(30)}`);
    const contents = ids.map((_, index) => seededBytes(index, 2000));
    await Promise.all(ids.map((id, index) => storage.put(id, contents[index] as Bytes)));
    const reads = await Promise.all([
      ...ids.map((id) => storage.get(id)),
      collect(storage, "p").then(() => new Uint8Array()),
    ]);
    expectBytes(concatBytes(...reads), concatBytes(...contents));
    await Promise.all(ids.map((id) => storage.delete(id)));
    expectEqual((await collect(storage, "")).length, 0);
  });

  check("puts of one ID at once leave one of them, whole", async (storage) => {
    const versions = [seededBytes(1, 5000), seededBytes(2, 7000), seededBytes(3, 9000)];
    await Promise.all(versions.map((data) => storage.put("kopia.maintenance", data)));
    const stored = await storage.get("kopia.maintenance");
    expectEqual(
      versions.some((version) => bytesEqual(version, stored)),
      true,
    );
    expectEqual((await collect(storage, "")).length, 1);
  });
}

function collect(storage: BlobStorage, prefix: string): Promise<BlobMetadata[]> {
  return collectAsync(storage.list(prefix));
}

function expectEqual<Value>(actual: Value, expected: Value): void {
  if (!Object.is(actual, expected)) {
    throw new Error(`expected ${String(expected)}, got ${String(actual)}`);
  }
}

function expectBytes(actual: Uint8Array, expected: Uint8Array): void {
  if (bytesEqual(actual, expected)) return;
  throw new Error(`the ${actual.length} bytes read are not the ${expected.length} bytes written`);
}

function expectSameBlob(actual: BlobMetadata, expected: BlobMetadata): void {
  expectEqual(actual.id, expected.id);
  expectEqual(actual.lengthBytes, expected.lengthBytes);
  expectEqual(actual.timestamp, expected.timestamp);
}

function expectNear(actual: bigint, expected: bigint, stepNs: bigint): void {
  const difference = actual > expected ? actual - expected : expected - actual;
  if (difference >= stepNs) throw new Error(`expected about ${expected}, got ${actual}`);
}

async function expectCode(code: ErrorCode, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (isKopiaError(error, code)) return;
    throw new Error(`expected ${code}, got another error`, { cause: error });
  }
  throw new Error(`expected ${code}, but it succeeded`);
}
