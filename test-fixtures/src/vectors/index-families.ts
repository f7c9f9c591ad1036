import { caseOf, counting } from "./stated-case.ts";
import type { Fields, Json, VectorCase } from "./vector.ts";

const SESSION = "s0011223344556677144";
const P = `p0102030405060708090a0b0c0d0e0f10-${SESSION}`;
const Q = `q1112131415161718191a1b1c1d1e1f20-${SESSION}`;
const A = counting(0, 16);
const B = counting(0xf0, 16);
const M = `m${counting(0x10, 16)}`;
const THREE: readonly Json[] = [
  { contentId: A, pack: P, time: 0x6a8f1235, offset: 160, packed: 128, original: 100 },
  {
    contentId: B,
    pack: P,
    time: 0x6a8f1234,
    offset: 32,
    packed: 128,
    original: 1000,
    compression: 0x1100,
  },
  { contentId: M, pack: Q, time: 0x6a8f1236, offset: 32, packed: 30, original: 2, deleted: true },
];
/** The three entries in version 2. */
export const THREE_V2 =
  "021100110000000300000002020000000000000102030405060708090a0b0c0d0e0f6a8f1235000000a000006400008000000000f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff6a8f1234000000200003e80000800000016d101112131415161718191a1b1c1d1e1f6a8f12368000002000000200001e000100360000008d36000000c30000000003000000110003007030313032303330343035303630373038303930613062306330643065306631302d73303031313232333334343535363637373134347131313132313331343135313631373138313931613162316331643165316632302d7330303131323233333434353536363737313434";
const BIG_V2 =
  "021100130000000100000001010000000000000102030405060708090a0b0c0d0e0f68a7123400000020abcdef000001000000005105000000400000000003005041434b31";

function entry(over: Fields = {}): Fields {
  return {
    contentId: A,
    pack: P,
    time: 1_700_000_000,
    offset: 32,
    packed: 128,
    original: 100,
    ...over,
  };
}

/** Index bytes of both versions: building, reading, refusing. */
export function indexCases(): VectorCase[] {
  const one = (
    name: string,
    section: string,
    operation: string,
    input: Fields,
    truth?: Fields,
  ): VectorCase => caseOf({ id: `indexes/${name}`, section, operation, input, truth });
  const first = (pack: string): Fields => ({ contentId: A, pack });
  const many = (count: number, over: (i: number) => Fields): Json[] =>
    Array.from({ length: count }, (_, i) =>
      entry({
        contentId: (i * 7919).toString(16).padStart(32, "0"),
        offset: 32 + i * 128,
        ...over(i),
      }),
    );
  const builds: readonly [string, number, readonly Json[]][] = [
    ["v1-one", 1, [entry({ packed: 128, formatVersion: 1 })]],
    ["v1-deleted", 1, [entry({ deleted: true, formatVersion: 1 })]],
    ["v1-hash-of-32", 1, [entry({ contentId: counting(0), formatVersion: 1 })]],
    ["v1-time-beyond-32-bits", 1, [entry({ time: 2 ** 33, formatVersion: 1 })]],
    [
      "v1-two-packs",
      1,
      [entry({ formatVersion: 1 }), entry({ contentId: B, pack: Q, formatVersion: 1 })],
    ],
    ["v1-fifty", 1, many(50, () => ({ formatVersion: 1 }))],
    ["v1-compressed-refused", 1, [entry({ compression: 0x1100, formatVersion: 1 })]],
    ["v2-one", 2, [entry()]],
    ["v2-deleted", 2, [entry({ deleted: true })]],
    ["v2-hash-of-32", 2, [entry({ contentId: counting(0) })]],
    ["v2-hash-of-28", 2, [entry({ contentId: counting(0, 28) })]],
    ["v2-two-formats", 2, [entry(), entry({ contentId: B, formatVersion: 2 })]],
    ["v2-three-compressors", 2, many(6, (i) => ({ compression: [0, 0x1100, 0x1101][i % 3]! }))],
    ["v2-original-of-24-bits", 2, [entry({ original: 2 ** 24 - 1 })]],
    ["v2-original-beyond-24-bits", 2, [entry({ original: 2 ** 24 })]],
    ["v2-packed-beyond-24-bits", 2, [entry({ packed: 2 ** 24 + 5 })]],
    ["v2-largest-lengths", 2, [entry({ original: 2 ** 28 - 1, packed: 2 ** 28 - 1 })]],
    ["v2-largest-offset", 2, [entry({ offset: 2 ** 30 - 1 })]],
    ["v2-offset-too-large", 2, [entry({ offset: 2 ** 30 })]],
    ["v2-length-too-large", 2, [entry({ original: 2 ** 28 })]],
    ["v2-largest-time", 2, [entry({ time: 2 ** 32 - 1 })]],
    ["v2-pack-order-by-appearance", 2, [entry({ pack: Q }), entry({ contentId: B, pack: P })]],
    ["v2-unsorted-input", 2, [...THREE].reverse()],
    [
      "v2-thousand",
      2,
      many(1000, (i) => ({ pack: `p${(i % 7).toString(16).repeat(32)}-${SESSION}` })),
    ],
  ];
  return [
    one("v2-three-build", "7.3", "index.build", { version: 2, entries: THREE }, { hex: THREE_V2 }),
    one(
      "v2-three-read",
      "7.3",
      "index.read",
      { index: THREE_V2 },
      { version: 2, entryCount: 3, keyLength: 17 },
    ),
    one(
      "v2-e19-read",
      "7.3",
      "index.read",
      { index: BIG_V2 },
      {
        entryCount: 1,
        first: {
          ...first("PACK1"),
          time: 0x68a71234,
          offset: 32,
          packed: 0x1000001,
          original: 0x5abcdef,
          deleted: false,
          compression: 0,
          formatVersion: 3,
        },
      },
    ),
    one(
      "v2-trailing-bytes",
      "7.1",
      "index.read",
      { index: `${THREE_V2}${counting(0)}` },
      { entryCount: 3 },
    ),
    one("v2-base-time", "7.3", "index.read", {
      index: BIG_V2.replace("01010000000000", "01010000001000"),
    }),
    one("v2-pack-out-of-range", "7.3", "index.read", {
      index: BIG_V2.replace("00000100000000510", "00000100090000510"),
    }),
    one("v1-three-build", "7.2", "index.build", {
      version: 1,
      entries: THREE.map((e) => Object.assign({}, e, { formatVersion: 1, compression: 0 })),
    }),
    ...builds.map(([name, version, entries]) =>
      one(`build-${name}`, version === 1 ? "7.2" : "7.3", "index.build", { version, entries }),
    ),
    ...[
      "",
      "03",
      "02",
      "0211001100000003",
      "01ff001400000000",
      THREE_V2.slice(0, 200),
      THREE_V2.replace("0211", "0201"),
      THREE_V2.replace("02110011", "02110014"),
      THREE_V2.replace("00000003", "7fffffff"),
    ].map((index, i) => one(`refused-or-empty-${i + 1}`, "7.1", "index.read", { index })),
    one("shard-of-two", "7.4", "index.shard", { contentId: B, shards: 2 }, { shard: 1 }),
    one(
      "shard-of-seven",
      "7.4",
      "index.shard",
      { contentId: M, shards: 7 },
      { shard: 765_849_106 % 7 },
    ),
    one("shard-of-ten", "7.4", "index.shard", { contentId: B, shards: 10 }, { shard: 9 }),
    ...mergeCases(),
  ];
}

function mergeCases(): VectorCase[] {
  const pack = (letter: string): string => `p${letter.repeat(32)}-${SESSION}`;
  const e = (time: number, letter: string, deleted = false): Fields =>
    entry({ time, pack: pack(letter), deleted });
  const rows: readonly [string, readonly (readonly Json[])[], string | null, number?][] = [
    ["newer-wins", [[e(5, "1")], [e(6, "2")]], "2"],
    ["newer-wins-whatever-the-order", [[e(6, "1")], [e(5, "2")]], "1"],
    ["newer-deletion-wins", [[e(5, "1")], [e(6, "1", true)]], "1"],
    ["older-deletion-loses", [[e(5, "1", true)], [e(6, "2")]], "2"],
    ["same-time-live-beats-deleted", [[e(5, "1")], [e(5, "2", true)]], "1"],
    ["same-time-live-beats-deleted-reversed", [[e(5, "2", true)], [e(5, "1")]], "1"],
    ["same-time-larger-pack", [[e(5, "1")], [e(5, "2")]], "2"],
    ["same-time-larger-pack-reversed", [[e(5, "2")], [e(5, "1")]], "2"],
    ["same-time-both-deleted", [[e(5, "3", true)], [e(5, "2", true)]], "3"],
    ["three", [[e(5, "9")], [e(7, "1", true)], [e(7, "0")]], "0"],
    ["watermark-hides-deleted", [[e(5, "1", true)]], null, 5],
    ["watermark-before", [[e(5, "1", true)]], "1", 4],
    ["watermark-keeps-live", [[e(5, "1")]], "1", 100],
    ["watermark-after-merge", [[e(4, "1")], [e(5, "2", true)]], null, 5],
    ["absent", [[entry({ contentId: B })]], null],
  ];
  return rows.map(([name, indexes, winner, watermark = 0]) =>
    caseOf({
      id: `merge/${name}`,
      section: watermark === 0 ? "7.5" : "8.6",
      operation: "index.merge",
      input: { contentId: A, indexes, watermark },
      provenance: "computed",
      ...(winner === null ? { truth: { entry: null } } : {}),
    }),
  );
}
