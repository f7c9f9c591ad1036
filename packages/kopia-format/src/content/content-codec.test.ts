import { expect, test } from "vitest";
import { testFormat } from "../../test/contents/contents.ts";
import { concatBytes, toHex, type Bytes } from "../base/bytes.ts";
import { compressorByName } from "../compression/registry.ts";
import type { Compressor } from "../compression/compressor.ts";
import { createEncryptor } from "../encryption/registry.ts";
import { seededBytes } from "../testing/seeded.ts";
import { ContentCodec } from "./content-codec.ts";
import type { ContentEntry } from "./content-entry.ts";
import { contentIv } from "./content-id.ts";
import { PLACE } from "./index/content-places.ts";
import { INVALID_PACK_BLOB_ID } from "./index/index-reader.ts";
import { PlaceReader } from "./place-reader.ts";
import { readPacked } from "./read-contents.ts";
import { MemoryStorage } from "../blob/memory-storage.ts";

const { content: format } = testFormat();
const encryptor = createEncryptor(format.encryption, format.masterKey);
const codec = new ContentCodec(encryptor, format);
const zstd = compressorByName("zstd-fastest") as Compressor;
const DATA = new Uint8Array(900_000).fill(7, 0, 800_000);
DATA.set(seededBytes(1, 400_000));
const ID = toHex(seededBytes(2, 16));
const IV = contentIv(ID);

function entryOf(change: Partial<ContentEntry> = {}): ContentEntry {
  return {
    contentId: ID,
    packBlobId: "p1",
    timestampSeconds: 1,
    packOffset: 0,
    packedLength: 0,
    originalLength: DATA.length,
    deleted: false,
    compressionHeaderId: zstd.headerId,
    formatVersion: 3,
    encryptionKeyId: 0,
    ...change,
  };
}

function header(id: number): Bytes {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, id);
  return bytes;
}

const stored = concatBytes(header(zstd.headerId), zstd.compress(DATA));
const packed = encryptor.encrypt(stored, IV);

test("what was compressed and encrypted comes back, also from memory that may be overwritten", () => {
  expect(Buffer.compare(codec.decode(entryOf(), packed), DATA)).toBe(0);
  expect(Buffer.compare(codec.unpack(packed.slice(), IV, entryOf()), DATA)).toBe(0);
  const plain = encryptor.encrypt(DATA, IV);
  const uncompressed = entryOf({ compressionHeaderId: 0 });
  expect(Buffer.compare(codec.unpack(plain, IV, uncompressed), DATA)).toBe(0);
});

test.each<[string, Bytes, Partial<ContentEntry>, string, RegExp]>([
  [
    "no room for the header",
    header(zstd.headerId).subarray(1),
    {},
    "COMPRESSION_CORRUPT",
    /3 bytes/,
  ],
  ["another header", concatBytes(header(0x1000), stored), {}, "COMPRESSION_CORRUPT", /0x1000/],
  ["a shorter length in the index", stored, { originalLength: 5 }, "COMPRESSION_LIMIT", /5/],
  ["a longer one", stored, { originalLength: DATA.length + 1 }, "COMPRESSION_CORRUPT", /900001/],
  ["an unknown compressor", stored, { compressionHeaderId: 0x9999 }, "ALGORITHM_UNKNOWN", /9999/],
  ["another key", stored, { encryptionKeyId: 3 }, "FORMAT_UNSUPPORTED", /key ID/],
])("refused, naming the place: %s", (_name, bytes, change, code, message) => {
  const entry = entryOf(change);
  const encrypted = encryptor.encrypt(bytes, IV);
  expect(() => codec.decode(entry, encrypted)).toThrow(
    expect.objectContaining({
      code,
      message: expect.stringMatching(/^content .* in pack p1 at 0/),
    }),
  );
  expect(() => codec.decode(entry, encrypted)).toThrow(message);
  expect(() => codec.unpack(encrypted, IV, entry)).toThrow(expect.objectContaining({ code }));
});

test("which compressor is used for what (spec 1 §5.3)", () => {
  expect(codec.compressorFor(0, "")).toBeUndefined();
  expect(codec.compressorFor(zstd.headerId, "k")?.name).toBe("zstd-fastest");
  const unknown = expect.objectContaining({ code: "ALGORITHM_UNKNOWN" });
  expect(() => codec.compressorFor(0x9999, "")).toThrow(unknown);
  expect(() => codec.compressorFor(0x1400, "")).toThrow(unknown);
  const asked = new ContentCodec(encryptor, format, { writeLz4: true });
  expect(asked.compressorFor(0x1400, "")?.name).toBe("lz4");
  const old = new ContentCodec(encryptor, { ...format, indexVersion: 1 });
  expect(old.compressorFor(zstd.headerId, "k")).toBeUndefined();
  expect(() => old.compressorFor(zstd.headerId, "")).toThrow(
    expect.objectContaining({ code: "FORMAT_UNSUPPORTED" }),
  );
});

test("compression that makes nothing shorter is left out, with and without memory to reuse", () => {
  const noise = seededBytes(3, 5000);
  const gzip = compressorByName("gzip") as Compressor;
  for (const compressor of [zstd, gzip]) {
    expect(codec.toStoredForm(noise, compressor)).toEqual({ bytes: noise, compressionHeaderId: 0 });
    const form = codec.toStoredForm(DATA, compressor);
    expect(form.compressionHeaderId).toBe(compressor.headerId);
    const encrypted = encryptor.encrypt(form.bytes, IV);
    const entry = entryOf({ compressionHeaderId: compressor.headerId });
    expect(Buffer.compare(codec.decode(entry, encrypted), DATA)).toBe(0);
  }
  expect(codec.toStoredForm(noise.subarray(0, 4), zstd).compressionHeaderId).toBe(0);
  expect(codec.toStoredForm(noise, undefined).compressionHeaderId).toBe(0);
});

test("an index entry that names no pack is not read", async () => {
  const entry = entryOf({ packBlobId: INVALID_PACK_BLOB_ID });
  await expect(readPacked(new MemoryStorage(), entry)).rejects.toMatchObject({
    code: "INDEX_CORRUPT",
  });
});

test("a failing storage that gives no typed error is passed on as it is", async () => {
  const failure = new Error("a fault of the program");
  const storage = new MemoryStorage();
  storage.get = () => Promise.reject(failure);
  await expect(readPacked(storage, entryOf())).rejects.toBe(failure);
});

test("places that cannot be read give nothing, and the others are still read", () => {
  const places = [
    { pack: 0, keyId: 0 },
    { pack: 0, keyId: 7 },
    { pack: 1, keyId: 0 },
  ];
  const numbers = new Uint32Array(places.length * PLACE.size);
  places.forEach(({ pack, keyId }, i) => {
    numbers[i * PLACE.size + PLACE.pack] = pack;
    numbers[i * PLACE.size + PLACE.packedLength] = packed.length;
    numbers[i * PLACE.size + PLACE.originalLength] = DATA.length;
    numbers[i * PLACE.size + PLACE.compressionHeaderId] = zstd.headerId;
    numbers[i * PLACE.size + PLACE.encryptionKeyId] = keyId;
  });
  const reader = new PlaceReader(
    {
      readInto(blobId, _range, room) {
        if (blobId !== "p1") throw new Error("gone");
        const bytes = room(packed.length);
        bytes.set(packed);
        return bytes;
      },
    },
    codec,
  );
  const read = (keyLength: number, limit = 9): (number | undefined)[] => {
    const lengths: (number | undefined)[] = [];
    const keys = concatBytes(...places.map(() => concatBytes(new Uint8Array(keyLength - 16), IV)));
    const parts = { count: 3, packBlobIds: ["p1", "p2"], numbers, keys, keyLength };
    reader.read(parts, (_number, data) => lengths.push(data?.length) < limit);
    return lengths;
  };
  expect(read(17)).toEqual([DATA.length, undefined, undefined]);
  expect(read(17, 1)).toEqual([DATA.length]);
  // Hashes below 16 bytes have no IV.
  expect(read(16)).toEqual([undefined, undefined, undefined]);
});
