import { expect, test } from "vitest";
import { fnv1a32 } from "../../base/fnv.ts";
import { fromHex, toHex, utf8Encode, type Bytes } from "../../base/bytes.ts";
import type { ContentEntry } from "../content-entry.ts";
import { buildIndex, indexShardOf } from "./build-index.ts";
import { openIndex } from "./open-index.ts";

// Vectors of spec 1 §7.7 and §15.4: indexes as real Kopia builds them.
const P = "p0102030405060708090a0b0c0d0e0f10-s0011223344556677144";
const Q = "q1112131415161718191a1b1c1d1e1f20-s0011223344556677144";
const V2 =
  "021100110000000300000002020000000000000102030405060708090a0b0c0d0e0f6a8f1235000000a000006400008000000000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff6a8f1234000000200003e80000800000016d101112131415161718191a1b1c1d1e1f6a8f12368000002000000200001e000100360000008d36000000c30000000003000000110003007030313032303330343035303630373038303930613062306330643065306631302d73303031313232333334343535363637373134347131313132313331343135313631373138313931613162316331643165316632302d7330303131323233333434353536363737313434";
const V2_LONG_ENTRY =
  "021100130000000100000001010000000000000102030405060708090a0b0c0d0e0f68a7123400000020abcdef000001000000005105000000400000000003005041434b31";

const ENTRIES: readonly ContentEntry[] = [
  {
    contentId: "000102030405060708090a0b0c0d0e0f",
    packBlobId: P,
    timestampSeconds: 0x6a8f1235,
    packOffset: 160,
    packedLength: 128,
    originalLength: 100,
    deleted: false,
    compressionHeaderId: 0,
    formatVersion: 3,
    encryptionKeyId: 0,
  },
  {
    contentId: "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
    packBlobId: P,
    timestampSeconds: 0x6a8f1234,
    packOffset: 32,
    packedLength: 128,
    originalLength: 1000,
    deleted: false,
    compressionHeaderId: 0x1100,
    formatVersion: 3,
    encryptionKeyId: 0,
  },
  {
    contentId: "m101112131415161718191a1b1c1d1e1f",
    packBlobId: Q,
    timestampSeconds: 0x6a8f1236,
    packOffset: 32,
    packedLength: 30,
    originalLength: 2,
    deleted: true,
    compressionHeaderId: 0,
    formatVersion: 3,
    encryptionKeyId: 0,
  },
];

function entriesOf(bytes: Uint8Array): ContentEntry[] {
  const reader = openIndex(bytes, "vector");
  return Array.from({ length: reader.entryCount }, (_, position) => reader.entryAt(position));
}

test("version 2, three entries in two packs and two formats", () => {
  expect(toHex(buildIndex(ENTRIES, { version: 2 }))).toBe(V2);
  expect(toHex(buildIndex(ENTRIES.toReversed(), { version: 2 }))).toBe(V2);
  expect(entriesOf(fromHex(V2) as Bytes)).toEqual(ENTRIES);
});

test("version 1, the same entries without compression", () => {
  const entries = ENTRIES.map((entry) => ({
    ...entry,
    compressionHeaderId: 0,
    formatVersion: 1,
    originalLength: entry.packedLength - 28,
  }));
  const bytes = buildIndex(entries, { version: 1 });
  const rows = [
    "0111001400000003",
    "00000102030405060708090a0b0c0d0e0f00006a8f1235013600000077000000a000000080",
    "00f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00006a8f12340136000000770000002000000080",
    "6d101112131415161718191a1b1c1d1e1f00006a8f12360136000000ad800000200000001e",
  ];
  expect(toHex(bytes)).toBe(rows.join("") + toHex(utf8Encode(P + Q)));
  expect(bytes.length).toBe(227);
  expect(entriesOf(bytes)).toEqual(entries);
});

test("lengths of 2^24 and more need 19 bytes an entry", () => {
  const entry = {
    ...(ENTRIES[0] as ContentEntry),
    packBlobId: "PACK1",
    timestampSeconds: 0x68a71234,
    packOffset: 32,
    originalLength: 0x5abcdef,
    packedLength: 0x1000001,
  };
  expect(toHex(buildIndex([entry], { version: 2 }))).toBe(V2_LONG_ENTRY);
  expect(entriesOf(fromHex(V2_LONG_ENTRY) as Bytes)).toEqual([entry]);
});

test("the base timestamp is added on reading", () => {
  const bytes = fromHex(V2) as Bytes;
  bytes[16] = 5;
  expect(entriesOf(bytes).map((entry) => entry.timestampSeconds)).toEqual(
    ENTRIES.map((entry) => entry.timestampSeconds + 5),
  );
});

test("bytes behind the index are ignored", () => {
  const randomSuffix = new Uint8Array(32).fill(0xa5);
  const bytes = buildIndex(ENTRIES, { version: 2, randomSuffix });
  expect(toHex(bytes)).toBe(V2 + "a5".repeat(32));
  expect(entriesOf(bytes)).toEqual(ENTRIES);
});

test("shards are chosen by FNV-1a of the text form", () => {
  expect(fnv1a32(utf8Encode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))).toBe(2597778799);
  expect(fnv1a32(utf8Encode("m101112131415161718191a1b1c1d1e1f"))).toBe(765849106);
  expect(indexShardOf("m101112131415161718191a1b1c1d1e1f", 7)).toBe(765849106 % 7);
});
