import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededBytes } from "../testing/seeded.ts";
import { lz4Compressor as lz4 } from "./lz4.ts";
import { xxhash32 } from "./xxhash32.ts";

interface RecordedFrames {
  readonly frames: readonly {
    readonly name: string;
    readonly lengthBytes: number;
    readonly frame: string;
  }[];
}

/** Made by the reference tool; the text is the one below. */
const RECORDED = JSON.parse(
  readFileSync(new URL("../../../../test-fixtures/cases/lz4-frames.json", import.meta.url), "utf8"),
) as RecordedFrames;
const TEXT = Buffer.from(
  Array.from({ length: 6000 }, (_, i) => `line ${i % 10} of the text\n`).join(""),
);
const MAX_BYTES = 2 ** 24;

test.each(RECORDED.frames)(
  "a frame of the reference tool is read: $name",
  ({ lengthBytes, frame }) => {
    const packed = Buffer.from(frame, "base64");
    const unpacked = lz4.decompress(packed, MAX_BYTES);
    expect(Buffer.compare(unpacked, TEXT.subarray(0, lengthBytes))).toBe(0);
    if (lengthBytes > 0) {
      expect(() => lz4.decompress(packed, lengthBytes - 1)).toThrow(
        expect.objectContaining({ code: "COMPRESSION_LIMIT" }),
      );
    }
    for (const wrong of [packed.subarray(0, -1), Buffer.concat([packed, Buffer.from([0])])]) {
      expect(() => lz4.decompress(wrong, MAX_BYTES)).toThrow(
        expect.objectContaining({ code: "COMPRESSION_CORRUPT" }),
      );
    }
  },
);

const HAS_TOOL = spawnSync("lz4", ["--version"]).status === 0;
const tool = (input: Uint8Array, ...flags: string[]): Buffer => {
  const run = spawnSync("lz4", ["-c", ...flags, "-"], { input, maxBuffer: 2 ** 26 });
  expect(run.status, run.stderr.toString()).toBe(0);
  return run.stdout;
};

const FLAGS: readonly (readonly string[])[] = [
  ["-1"],
  ["-9"],
  ["-12", "-B4"],
  ["-B4", "-BD"],
  ["-B5", "-BI", "-BX"],
  ["-B7", "--no-frame-crc"],
];

test.skipIf(!HAS_TOOL)(
  "the reference tool and we read each other's frames (needs lz4)",
  { timeout: 60_000 },
  () => {
    const kind = fc.constantFrom<"random" | "few" | "repeats" | "text">(
      "random",
      "few",
      "repeats",
      "text",
    );
    const length = fc.oneof(
      fc.nat(40),
      fc.nat(70_000),
      fc.integer({ min: 4_194_200, max: 4_300_000 }),
    );
    fc.assert(
      fc.property(
        kind,
        length,
        fc.nat(),
        fc.constantFrom(...FLAGS),
        (kind, length, seed, flags) => {
          const data = seededBytes(seed, length);
          if (kind === "few") for (let i = 0; i < length; i++) data[i]! &= 3;
          if (kind === "repeats") for (let i = 300; i < length; i++) data[i] = data[i - 300]!;
          if (kind === "text") data.set(TEXT.subarray(0, Math.min(length, TEXT.length)));
          expect(Buffer.compare(tool(lz4.compress(data), "-d"), data)).toBe(0);
          expect(Buffer.compare(lz4.decompress(tool(data, "-z", ...flags), length), data)).toBe(0);
        },
      ),
      { numRuns: Number(process.env["FUZZ_RUNS"] ?? 10) },
    );
  },
);

/** A frame around blocks: content checksum and size unless told otherwise, header checksum always right. */
function frameOf(
  blocks: readonly (readonly number[])[],
  options: { flags?: number; size?: number; checksum?: number } = {},
): Buffer {
  const flags = options.flags ?? 0x60;
  const descriptor = [flags, 0x40];
  if (flags & 0x08) descriptor.push(options.size ?? 0, 0, 0, 0, 0, 0, 0, 0);
  const check = (xxhash32(Uint8Array.from(descriptor)) >>> 8) & 255;
  const body = blocks.flatMap((block) => {
    const isStored = (flags & 0x10) !== 0;
    const length = [block.length, 0, 0, isStored ? 0x80 : 0];
    return [...length, ...block, ...(isStored ? [1, 2, 3, 4] : [])];
  });
  const end = [0, 0, 0, 0, ...(flags & 0x04 ? [options.checksum ?? 0, 0, 0, 0] : [])];
  return Buffer.from([0x04, 0x22, 0x4d, 0x18, ...descriptor, check, ...body, ...end]);
}

test.each<[string, Buffer]>([
  ["the checksum of a block is wrong", frameOf([[7, 7]], { flags: 0x70 })],
  ["the checksum of the content is wrong", frameOf([[0x10, 7]], { flags: 0x64, checksum: 1 })],
  ["the size of the content is another", frameOf([[0x10, 7]], { flags: 0x68, size: 2 })],
  ["a length does not end", frameOf([[0xf0, 255]])],
  ["a block is empty", frameOf([[]])],
  ["a literal is cut off", frameOf([[0x20, 7]])],
  ["an offset is cut off", frameOf([[0x10, 7, 1]])],
  ["a copy reaches back too far", frameOf([[0x10, 7, 2, 0, 0x10, 7]])],
  [
    "a block unpacks to more than its size",
    frameOf([[0x1f, 7, 1, 0, ...Array(300).fill(255), 0, 0]]),
  ],
])("refused: %s", (_name, frame) => {
  expect(() => lz4.decompress(frame, MAX_BYTES)).toThrow(
    expect.objectContaining({ code: "COMPRESSION_CORRUPT" }),
  );
});

test("a frame made like those is read when nothing is wrong", () => {
  expect([...lz4.decompress(frameOf([[0x10, 7]], { flags: 0x68, size: 1 }), 1)]).toEqual([7]);
});
