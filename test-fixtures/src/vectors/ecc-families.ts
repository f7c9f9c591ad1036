import { caseOf } from "./stated-case.ts";
import type { Fields, Json, VectorCase } from "./vector.ts";

const AFFINE = (length: number): Json => ({ generator: "affine", factor: 7, offset: 3, length });

/** Error correction: parameters of every percentage, encodings, repairs. */
export function eccCases(): VectorCase[] {
  const table: Readonly<Record<number, readonly [number, number, number]>> = {
    1: [1024, 254, 2],
    2: [512, 164, 2],
    3: [256, 139, 2],
    4: [128, 228, 2],
    5: [128, 128, 2],
    6: [128, 128, 3],
    7: [64, 254, 2],
    8: [64, 128, 2],
    9: [64, 128, 3],
    10: [64, 128, 4],
    20: [64, 128, 17],
    50: [64, 128, 56],
    100: [64, 128, 120],
  };
  const parameters = Array.from({ length: 100 }, (_, i) => i + 1).map((percent) => {
    const row = table[percent];
    return caseOf({
      id: `ecc/parameters-${percent}`,
      section: "10.1",
      operation: "ecc.parameters",
      input: { percent },
      truth: row && { maxShardBytes: row[0], dataShards: row[1], parityShards: row[2] },
    });
  });
  const known: readonly [number, number, Fields][] = [
    [5, 0, { hex: "d202ef8d00".repeat(8) }],
    [
      5,
      1,
      { hex: "a505df1b014b0bbe3703d202ef8d00d202ef8d00d202ef8d00a505df1b014b0bbe3703d202ef8d00" },
    ],
    [
      5,
      3,
      {
        hex: "67e12ccb4b2866c9e4bc592141d912ff0000d8d0434500038a21a822030a120031ef110041d912ff000041d912ff0000",
      },
    ],
    [
      5,
      31,
      {
        hex: "f348ab59db90ca019864c84ce42fa2f0b5781e3e6d40ff330000001f030a1cfc7f1f11181f262d340ec5d3833b424950575e542ee5ea656c737a8188f9a5ae598f969da4abb2e9f6576ab9c0c7ced500",
      },
    ],
    [1, 2000, { length: 2704, fnv1a64: "d481d971f611e955" }],
    [2, 9000, { length: 9794, fnv1a64: "ec000403314f0f6a" }],
    [5, 2000, { length: 2600, fnv1a64: "b95b4e6f9719f152" }],
    [10, 9000, { length: 10112, fnv1a64: "2fe4937935db204a" }],
    [10, 40000, { length: 43868, fnv1a64: "8a7b23d80d2212f6" }],
    [50, 2000, { length: 3680, fnv1a64: "5459a5c986cfbcdd" }],
    [10, 300000, { length: 328820, fnv1a64: "0a05eff98bdb9f7b" }],
    [1, 300000, { length: 305288, fnv1a64: "c15b5e1b74a8268c" }],
  ];
  const encode = (percent: number, length: number, truth?: Fields): VectorCase =>
    caseOf({
      id: `ecc/encode-${percent}-percent-${length}-bytes`,
      section: "10.2",
      operation: "ecc.encode",
      input: { percent, data: AFFINE(length) },
      truth,
    });
  const more = [1, 3, 6, 7, 8, 20, 100].flatMap((percent) =>
    [12, 500, 3000, 20_000].map((length) => encode(percent, length)),
  );
  // Where the pieces lie: percent, length, flipped offsets. Bytes of one shard count once.
  const repairs: readonly [string, number, number, readonly number[], boolean][] = [
    ["nothing", 5, 100, [], true],
    ["small-one-parity", 5, 31, [5], true],
    ["small-one-data", 5, 31, [25], true],
    ["small-checksum", 5, 31, [20], true],
    ["small-two", 5, 31, [25, 35], true],
    ["small-three", 5, 31, [25, 35, 45], false],
    ["small-empty", 5, 0, [0, 39], true],
    ["middle-one", 5, 2000, [1000], true],
    ["middle-two", 5, 2000, [100, 1000], true],
    ["middle-three", 5, 2000, [100, 1000, 2000], false],
    ["middle-percent-50", 50, 2000, [0, 40, 80, 120, 1500, 2500, 3600], true],
    ["large-each-block", 10, 40_000, [5000, 12_000, 20_000, 30_000, 43_867], true],
    ["large-last-byte", 1, 300_000, [305_287], true],
  ];
  return [
    ...parameters,
    ...[0, 101].map((percent) =>
      caseOf({
        id: `ecc/parameters-${percent}-refused`,
        section: "10.1",
        operation: "ecc.parameters",
        input: { percent },
        truth: { refused: true },
      }),
    ),
    ...known.map(([percent, length, truth]) => encode(percent, length, truth)),
    ...more,
    ...repairs.map(([name, percent, length, flip, isRepaired]) =>
      caseOf({
        id: `ecc/repair-${name}`,
        section: "10.3",
        operation: "ecc.decode",
        input: { percent, data: AFFINE(length), flip },
        ...(isRepaired ? {} : { truth: { refused: true } }),
      }),
    ),
  ];
}
