import { RECORDED, caseOf, counting } from "./stated-case.ts";
import type { Json, VectorCase } from "./vector.ts";

const NEW_SHARDS = { default: [1, 3], maxNonShardedLength: 20 };
const OLD_SHARDS = { default: [3, 3], maxNonShardedLength: 20 };
const SESSION = "s0011223344556677144";
const PACK = `p0102030405060708090a0b0c0d0e0f10-${SESSION}`;
const META = `q1112131415161718191a1b1c1d1e1f20-${SESSION}`;

/** Blob IDs and their files. */
export function shardingCases(): VectorCase[] {
  const paths: readonly [string, Json, string, string?][] = [
    ["new-format", NEW_SHARDS, "kopia.repository", "kopia.repository.f"],
    ["new-marker", NEW_SHARDS, "xe12", "xe12.f"],
    ["new-watermark", NEW_SHARDS, "xw1770000000", "xw1770000000.f"],
    ["new-pack", NEW_SHARDS, PACK, "p/010/2030405060708090a0b0c0d0e0f10-s0011223344556677144.f"],
    [
      "new-index",
      NEW_SHARDS,
      "xn0_f01f2e1ea578d832edd57657c6c9ed8f-s1-c1",
      "x/n0_/f01f2e1ea578d832edd57657c6c9ed8f-s1-c1.f",
    ],
    [
      "new-index-two-digits",
      NEW_SHARDS,
      "xn12_f01f2e1ea578d832edd57657c6c9ed8f",
      "x/n12/_f01f2e1ea578d832edd57657c6c9ed8f.f",
    ],
    ["new-log", NEW_SHARDS, "_log_20260821120000_1a2b", "_/log/_20260821120000_1a2b.f"],
    [
      "new-session",
      NEW_SHARDS,
      "s9c04b1aabbccddeeff00112233445566-s0011223344556677144",
      "s/9c0/4b1aabbccddeeff00112233445566-s0011223344556677144.f",
    ],
    ["exactly-20", NEW_SHARDS, "p0123456789012345678"],
    ["exactly-21", NEW_SHARDS, "p01234567890123456789"],
    ["old-pack", OLD_SHARDS, PACK],
    ["old-index", OLD_SHARDS, `n${counting(0, 16)}`],
    ["old-format", OLD_SHARDS, "kopia.repository"],
    ["flat", { default: [], maxNonShardedLength: 20 }, PACK],
    ["null-default", { default: null, maxNonShardedLength: 20 }, PACK],
    ["no-threshold", { default: [1, 3] }, "xe1"],
    [
      "threshold-10",
      { default: [2, 2], maxNonShardedLength: 10 },
      "kopia.repository",
      "ko/pi/a.repository.f",
    ],
    ["zero-level", { default: [0, 2], maxNonShardedLength: 20 }, PACK],
    [
      "rest-too-short",
      { default: [10, 10, 10], maxNonShardedLength: 20 },
      "abcdefghijklmnopqrstuvw",
    ],
    ["level-equals-rest", { default: [1, 20], maxNonShardedLength: 5 }, "a01234567890123456789"],
    [
      "override",
      { default: [1, 3], maxNonShardedLength: 20, overrides: [{ prefix: "p", shards: [5] }] },
      PACK,
    ],
    [
      "override-not-for-q",
      { default: [1, 3], maxNonShardedLength: 20, overrides: [{ prefix: "p", shards: [5] }] },
      META,
    ],
    [
      "first-override-wins",
      {
        default: [1, 3],
        maxNonShardedLength: 20,
        overrides: [
          { prefix: "p", shards: [2] },
          { prefix: "p01", shards: [7] },
        ],
      },
      PACK,
    ],
    [
      "override-flat",
      { default: [1, 3], maxNonShardedLength: 20, overrides: [{ prefix: "q", shards: [] }] },
      META,
    ],
  ];
  const cases = paths.map(([name, shards, blobId, path]): VectorCase =>
    caseOf({
      id: `sharding/${name}`,
      section: "2.1",
      provenance: path === undefined ? "computed" : RECORDED,
      operation: "shards.path",
      input: { shards, blobId },
      truth: path === undefined ? undefined : { path },
    }),
  );
  return [
    ...cases,
    {
      id: "sharding/file-of-a-new-repository",
      section: "2.2",
      provenance: RECORDED,
      operation: "shards.encode",
      input: { shards: NEW_SHARDS },
      truth: { text: '{"default":[1,3],"maxNonShardedLength":20}\n' },
    },
    ...[{ default: "x" }, { default: [-1] }, { default: [1], maxNonShardedLength: 1.5 }].map(
      (shards, i): VectorCase => ({
        id: `sharding/refused-${i + 1}`,
        section: "2.2",
        provenance: "computed",
        operation: "shards.path",
        input: { shards, blobId: PACK },
        truth: { refused: true },
      }),
    ),
    ...["../up", "a/b", ""].map((blobId, i): VectorCase => ({
      id: `sharding/unusable-id-${i + 1}`,
      section: "2.1",
      provenance: "computed",
      operation: "shards.path",
      input: { shards: NEW_SHARDS, blobId },
      truth: { refused: true },
    })),
  ];
}
