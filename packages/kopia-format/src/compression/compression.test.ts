import { beforeAll, expect, test } from "vitest";
import { bytesEqual, concatBytes, fromHex, utf8Encode, type Bytes } from "../base/bytes.ts";
import { seededBytes } from "../testing/index.ts";
import { crc32c } from "./crc32c.ts";
import { loadPortableZstdEncoder } from "./load-portable-zstd-encoder.ts";
import { COMPRESSOR_NAMES, compressorByHeaderId, compressorByName } from "./registry.ts";
import { xxhash32 } from "./xxhash32.ts";
import { zstdExtent } from "./zstd-frame.ts";

const PROVIDERS = ["portable", "fast"] as const;
const corrupt = expect.objectContaining({ code: "COMPRESSION_CORRUPT" });
const overLimit = expect.objectContaining({ code: "COMPRESSION_LIMIT" });

const HEADER_IDS = {
  "deflate-best-compression": 0x1502,
  "deflate-best-speed": 0x1501,
  "deflate-default": 0x1500,
  gzip: 0x1000,
  "gzip-best-compression": 0x1002,
  "gzip-best-speed": 0x1001,
  pgzip: 0x1300,
  "pgzip-best-compression": 0x1302,
  "pgzip-best-speed": 0x1301,
  "s2-better": 0x1201,
  "s2-default": 0x1200,
  "s2-parallel-4": 0x1202,
  "s2-parallel-8": 0x1203,
  zstd: 0x1100,
  "zstd-best-compression": 0x1103,
  "zstd-better-compression": 0x1102,
  "zstd-fastest": 0x1101,
};

// Streams as Kopia wrote them, all of zeros: header ID, length, stream.
const KOPIA_STREAMS: ReadonlyArray<readonly [number, number, string]> = [
  [0x1200, 100_070, "/wYAAFMyc1R3TwAQAABnZLJQ5o0GAAARAR0A2YYA"],
  [0x1101, 100_084, "KLUv/QRgAgAIAFUAAAABVAAQM/EGAICcVXAG"],
  [
    0x1300,
    100_035,
    "H4sIAAAJbogA/+zAAQ0AAAABMP1T29TwBwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAgHNTduCABAAAAEDQ/9ftCBQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAICvAAAA//8DAJKFl8nDhgEA",
  ],
  [0x1400, 100_021, `BCJNGGRwuZ0BAAAfAAEA${"/".repeat(522)}8ZAAIAwAAAAAAAAAAAAAAAAAAAAADCNOxu`],
];

beforeAll(loadPortableZstdEncoder);

test("names and header IDs are Kopia's", () => {
  const known = COMPRESSOR_NAMES.map((name) => [name, compressorByName(name)!.headerId]);
  expect(Object.fromEntries(known)).toEqual(HEADER_IDS);
  for (const [name, headerId] of Object.entries(HEADER_IDS)) {
    expect(compressorByHeaderId(headerId)).toMatchObject({ name, headerId, provider: "fast" });
  }
  for (const name of ["none", "", "lz4", "__proto__"]) {
    expect(compressorByName(name)).toBeUndefined();
  }
  for (const id of [0, 0x1104, 0x10001100]) expect(compressorByHeaderId(id)).toBeUndefined();
});

for (const [headerId, length, base64] of KOPIA_STREAMS) {
  for (const provider of PROVIDERS) {
    const compressor = compressorByHeaderId(headerId, provider);
    if (compressor === undefined) continue;
    test(`a ${compressor.name} stream of Kopia (${provider})`, () => {
      const stream = new Uint8Array(Buffer.from(base64, "base64"));
      const unpacked = compressor.decompress(stream, length);
      expect(unpacked.length).toBe(length);
      expect(unpacked.every((value) => value === 0)).toBe(true);
      expect(() => compressor.decompress(stream, length - 1)).toThrow(overLimit);
    });
  }
}

test("lz4: the frame of Kopia 0.22 for data it wrote, and any data comes back", () => {
  const lz4 = compressorByHeaderId(0x1400)!;
  expect(Array.from(lz4.compress(new Uint8Array(0)).subarray(0, 7))).toEqual([
    0x04, 0x22, 0x4d, 0x18, 0x64, 0x70, 0xb9,
  ]);
  const random = seededBytes(5, 70_000);
  const repetitive = random.map((byte, i) => (i % 7 === 0 ? byte & 3 : 65));
  for (const data of [random, repetitive, new Uint8Array(9_000_000)]) {
    const packed = lz4.compress(data);
    expect(bytesEqual(lz4.decompress(packed, data.length), data)).toBe(true);
  }
  expect(lz4.compress(repetitive).length).toBeLessThan(repetitive.length / 2);
  for (let length = 0; length < 300; length++) {
    const data = repetitive.subarray(length, 2 * length);
    expect(lz4.decompress(lz4.compress(data), length)).toEqual(data);
  }
});

// zstd in all the forms that Kopia's reader takes (spec 1 §5.2).
const FRAME = concatBytes(fromHex("28b52ffd2004190000")!, utf8Encode("abc!"));
const FRAME_RAW_3 = concatBytes(fromHex("28b52ffd2003190000")!, utf8Encode("abc"));
const SKIPPABLE = fromHex("502a4d18030000000a0b0c")!;
const FRAME_NO_SIZE = concatBytes(fromHex("28b52ffd0058190000")!, utf8Encode("abc"));

for (const provider of PROVIDERS) {
  const zstd = compressorByName("zstd", provider)!;
  test(`zstd: frames with and without size, several, skippable ones (${provider})`, () => {
    const unpack = (...parts: Bytes[]): string =>
      Buffer.from(zstd.decompress(concatBytes(...parts), 100)).toString();
    expect(unpack(FRAME_RAW_3)).toBe("abc");
    expect(unpack(FRAME_NO_SIZE)).toBe("abc");
    expect(unpack(FRAME_RAW_3, SKIPPABLE, FRAME_NO_SIZE, FRAME_RAW_3)).toBe("abcabcabc");
    expect(unpack(SKIPPABLE)).toBe("");
  });

  test(`zstd: what is no complete frame is refused (${provider})`, () => {
    const refuse = (data: Bytes): void => {
      expect(() => zstd.decompress(data, 1000)).toThrow(corrupt);
    };
    refuse(new Uint8Array(0));
    refuse(FRAME); // one byte more than its block
    refuse(concatBytes(FRAME_RAW_3, utf8Encode("junk")));
    refuse(concatBytes(FRAME_RAW_3, new Uint8Array(1)));
    refuse(fromHex("28b52ffd2003190000")!);
    refuse(utf8Encode("some text that is no frame"));
    // Says 5 bytes and has 3.
    refuse(concatBytes(fromHex("28b52ffd2005190000")!, utf8Encode("abc")));
  });

  test(`zstd: a bomb is refused before it is unpacked (${provider})`, () => {
    // 4000 run-length blocks of 128 KiB in 16 kB, in a frame without a size.
    const blocks = Array.from({ length: 4000 }, () => fromHex("02001041")!);
    const bomb = concatBytes(fromHex("28b52ffd0058")!, ...blocks, fromHex("010000")!);
    expect(zstdExtent(bomb)).toEqual({ maxLengthBytes: 4000 * 2 ** 17, lengthBytes: undefined });
    expect(() => zstd.decompress(bomb, 2 ** 22)).toThrow(overLimit);
    // A header that promises 2^60 bytes.
    const boast = concatBytes(fromHex("28b52ffde00000000000000010190000")!, utf8Encode("abc"));
    expect(() => zstd.decompress(boast, 2 ** 22)).toThrow(overLimit);
  });
}

test("gzip: several members are one stream, other bytes after it are refused", () => {
  const gzip = compressorByName("gzip")!;
  const member = gzip.compress(utf8Encode("member "));
  expect(gzip.decompress(concatBytes(member, member), 100)).toEqual(utf8Encode("member member "));
  for (const name of ["gzip", "deflate-default"]) {
    const compressor = compressorByName(name)!;
    const packed = compressor.compress(utf8Encode("some text"));
    for (const tail of [new Uint8Array(1), utf8Encode("junk")]) {
      expect(() => compressor.decompress(concatBytes(packed, tail), 100)).toThrow(corrupt);
    }
  }
});

test("s2: stored and Snappy chunks are read, unknown ones skipped or refused", () => {
  const s2 = compressorByName("s2-default")!;
  const incompressible = seededBytes(5, 100);
  const packed = s2.compress(incompressible);
  expect(packed[10]).toBe(1); // a stored chunk
  expect(s2.decompress(packed, 100)).toEqual(incompressible);
  const asSnappy = concatBytes(fromHex("ff060000")!, utf8Encode("sNaPpY"), packed.subarray(10));
  expect(s2.decompress(asSnappy, 100)).toEqual(incompressible);
  const skippable = fromHex("80020000aabb")!;
  const reserved = fromHex("02020000aabb")!;
  expect(s2.decompress(concatBytes(packed, skippable), 100)).toEqual(incompressible);
  expect(() => s2.decompress(concatBytes(packed, reserved), 100)).toThrow(corrupt);
  expect(() => s2.decompress(packed.subarray(10), 100)).toThrow(corrupt);
});

test("check values of the checksums", () => {
  expect(crc32c(utf8Encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
  expect(xxhash32(new Uint8Array(0))).toBe(0x02cc5d05);
  expect(xxhash32(utf8Encode("123456789"))).toBe(0x937bad67);
});

test("zstd-fastest: noise over eight letters packs to little more than its three bits a letter, at any length", () => {
  for (const lengthBytes of [20_000, 100_000, 2 ** 18, 2 ** 18 + 1, 2 ** 21]) {
    const data = seededBytes(7, lengthBytes).map((byte) => 97 + (byte & 7));
    const compressor = compressorByName("zstd-fastest");
    const packed = compressor?.compress(data) ?? data;
    expect(packed.length / data.length, `${lengthBytes} bytes`).toBeLessThan(0.415);
    expect(bytesEqual(compressor?.decompress(packed, lengthBytes) ?? packed, data)).toBe(true);
  }
});
