import { THREE_V2 } from "./index-families.ts";
import { BOTH, caseOfRow, counting } from "./stated-case.ts";
import type { Fields, Provenance, VectorCase } from "./vector.ts";

const SESSION = "s0011223344556677144";
const P = `p0102030405060708090a0b0c0d0e0f10-${SESSION}`;
const Q = `q1112131415161718191a1b1c1d1e1f20-${SESSION}`;
const A = counting(0, 16);
const B = counting(0xf0, 16);
const M = `m${counting(0x10, 16)}`;

const KEYS = {
  hash: "BLAKE2B-256-128",
  encryption: "AES256-GCM-HMAC-SHA256",
  secret: counting(0x40),
  masterKey: counting(0x80),
};

/** Content IDs, whole-blob encryption, packs, sessions, epochs. */
export function blobCases(): VectorCase[] {
  const ids = [A, B, M, `k${A}`, `x${counting(0)}`, `g${counting(0, 28)}`, "00", "z00"];
  const bad = ["", "g", "0", "a00", "G00", `${counting(0)}00`, "zz00", "h0", "m0g"];
  const names: readonly [string, Fields][] = [
    ["xe0", { epoch: 0 }],
    ["xe12", { epoch: 12 }],
    [`xn3_${A}-${SESSION}-c1`, { epoch: 3 }],
    [`xn10_${A}-${SESSION}-c1`, { epoch: 10 }],
    [`xs7_${A}-${SESSION}-c2`, { epoch: 7 }],
    [`xr0_9_${A}-${SESSION}-c1`, { range: [0, 9] }],
    [`xr10_19_${A}`, { range: [10, 19] }],
    ["xw1770000000", { watermark: 1_770_000_000 }],
  ];
  const odd = [
    "xe",
    "xeabc",
    "xn_1",
    "xnabc5_",
    "xr5",
    "xr5_6",
    "xr_1_x",
    "xr0_x_y",
    "xw",
    "xw12a",
    "xw-5",
    "xn1x_",
  ];
  const n = (epoch: string, session: string, count: string, digit = "0"): string =>
    `xs${epoch}_${digit.repeat(32)}-s${session}-c${count}`;
  const sets: readonly [string, readonly string[]][] = [
    ["one-of-one", [n("1", "a", "1")]],
    ["one-of-two", [n("1", "a", "2")]],
    ["two-of-two", [n("1", "a", "2"), n("1", "a", "2", "1")]],
    ["interleaved-first-to-complete", [n("1", "a", "2"), n("1", "b", "1"), n("1", "a", "2", "1")]],
    ["two-incomplete", [n("1", "a", "2"), n("1", "b", "2")]],
    ["malformed-is-complete", [n("1", "a", "2"), `xs1_${A}`]],
    ["session-not-s", [`xs1_${A}-q1-c2`]],
    ["count-not-c", [`xs1_${A}-s1-x2`]],
    ["count-not-a-number", [`xs1_${A}-s1-cx`]],
    ["count-zero-never-completes", [n("1", "a", "0")]],
    ["empty", []],
  ];
  const chains: readonly [string, readonly (readonly [number, number])[]][] = [
    ["none", []],
    ["one", [[0, 7]]],
    [
      "two",
      [
        [0, 7],
        [8, 15],
      ],
    ],
    [
      "gap",
      [
        [0, 7],
        [9, 15],
      ],
    ],
    ["not-from-zero", [[1, 7]]],
    [
      "longest-end",
      [
        [0, 7],
        [0, 15],
      ],
    ],
    [
      "fewer-ranges",
      [
        [0, 7],
        [8, 15],
        [0, 15],
      ],
    ],
    ["end-zero-never", [[0, 0]]],
    [
      "mixed",
      [
        [0, 3],
        [4, 9],
        [0, 7],
        [8, 12],
      ],
    ],
    [
      "overlap",
      [
        [0, 7],
        [5, 20],
      ],
    ],
    [
      "unordered",
      [
        [8, 15],
        [16, 23],
        [0, 7],
      ],
    ],
  ];
  const times: readonly [string, string?][] = [
    ["2026-08-21T12:00:00Z", "s0102030405060708144"],
    ["2000-01-01T00:00:00Z", "s01020304050607080"],
    ["2000-01-30T23:59:59.999999999Z"],
    ["2000-01-31T00:00:00Z"],
    ["2026-11-23T06:00:00Z", "s0102030405060708147"],
    ["1999-01-01T00:00:00Z"],
    ["2100-01-01T00:00:00Z"],
  ];
  const one = (
    ...[id, section, operation, input, truth, provenance]: readonly [
      id: string,
      section: string,
      operation: string,
      input: Fields,
      truth?: Fields | undefined,
      provenance?: Provenance,
    ]
  ): VectorCase => caseOfRow(id, section, provenance, operation, input, truth);
  return [
    ...ids.map((text, i) => one(`content-ids/valid-${i + 1}`, "4.1", "content-id.key", { text })),
    ...bad.map((text, i) =>
      one(`content-ids/refused-${i + 1}`, "4.1", "content-id.key", { text }, { refused: true }),
    ),
    one(
      "content-ids/order",
      "4.1",
      "content-id.sort",
      { ids: [`x${A}`, B, M, A, `k${B}`, `k${A}`] },
      { sorted: [A, B, `k${A}`, `k${B}`, M, `x${A}`] },
      "computed",
    ),
    one(
      "blobs/index-sealed",
      "4.4",
      "blob.encrypt",
      {
        ...KEYS,
        nonce: counting(0, 12),
        prefix: "xn0_",
        suffix: `${SESSION}-c1`,
        data: { hex: THREE_V2 },
      },
      {
        id: `xn0_f01f2e1ea578d832edd57657c6c9ed8f-${SESSION}-c1`,
        length: 277,
        sha256: "fa972ef74c77a6ce6e93b3d2ee176b6b1358619d577e6ff249eaa733f45f8282",
      },
    ),
    ...["HMAC-SHA224", "BLAKE2B-256", "HMAC-SHA3-256", "BLAKE2S-128"].map((hash) =>
      one(
        `blobs/sealed-${hash}`,
        "4.4",
        "blob.encrypt",
        {
          ...KEYS,
          hash,
          nonce: counting(0, 12),
          prefix: "n",
          suffix: "",
          data: { utf8: "payload" },
        },
        undefined,
        BOTH,
      ),
    ),
    ...[
      `xn0_${A}-s1-c1`,
      `n${A}`,
      `xn0_${counting(0)}-s1-c1`,
      `_log_2026_${A}`,
      `n${counting(0, 15)}`,
      "xe1",
      `n${"zz".repeat(16)}`,
    ].map((blobId, i) => one(`blobs/iv-${i + 1}`, "4.4", "blob.iv", { blobId })),
    one(
      "packs/postamble",
      "6.3",
      "pack.postamble",
      { hash: "f01f2e1ea578d832edd57657c6c9ed8f", offset: 4096, length: 277 },
      { hex: "0110f01f2e1ea578d832edd57657c6c9ed8f8020950214054e171a" },
      "computed",
    ),
    ...[
      [16, 0, 0],
      [16, 127, 128],
      [28, 2 ** 31, 300],
      [32, 20_971_520, 1_000_000],
      [16, 2 ** 40, 1],
    ].map(([size, offset, length], i) =>
      one(`packs/postamble-${i + 1}`, "6.3", "pack.postamble", {
        hash: counting(0, size),
        offset: offset!,
        length: length!,
      }),
    ),
    ...[
      "",
      "05",
      "0102030405",
      "0110f01f2e1ea578d832edd57657c6c9ed8f8020950214054e181a",
      "0210f01f2e1ea578d832edd57657c6c9ed8f8020950214054e171a",
      "0110f01f2e1ea578d832edd57657c6c9ed8f8020950214054e171b",
    ].map((tail, i) =>
      one(
        `packs/postamble-refused-${i + 1}`,
        "6.3",
        "pack.postamble-read",
        { tail },
        { refused: true },
      ),
    ),
    one(
      "packs/postamble-after-junk",
      "6.3",
      "pack.postamble-read",
      { tail: `${counting(0)}0110f01f2e1ea578d832edd57657c6c9ed8f8020950214054e171a` },
      { hash: "f01f2e1ea578d832edd57657c6c9ed8f", offset: 4096, length: 277 },
      "computed",
    ),
    ...times.map(([time, id], i) =>
      one(
        `sessions/id-${i + 1}`,
        "9.1",
        "session.id",
        { random: counting(1, 8), time },
        id === undefined ? undefined : { id },
        "computed",
      ),
    ),
    ...[P, Q, `xn0_${A}-${SESSION}-c1`, `p${A}`, `s${A}-${SESSION}`, "p00-x-sabc"].map(
      (blobId, i) => one(`sessions/of-blob-${i + 1}`, "9.1", "session.of-blob", { blobId }),
    ),
    one(
      "sessions/marker",
      "9.2",
      "session.marker",
      {
        ...KEYS,
        nonce: counting(0, 12),
        session: SESSION,
        startTime: "2026-08-21T12:00:00Z",
        checkpointTime: "2026-08-21T12:00:00Z",
        username: "me",
        hostname: "host",
      },
      undefined,
      BOTH,
    ),
    ...names.map(([blobId, truth], i) =>
      one(`epochs/name-${i + 1}`, "8.1", "epoch.name", { blobId }, truth),
    ),
    ...odd.map((blobId, i) => one(`epochs/odd-name-${i + 1}`, "8.1", "epoch.name", { blobId })),
    ...sets.map(([name, blobIds]) =>
      one(`epochs/set-${name}`, "8.2", "epoch.complete-set", { blobIds }),
    ),
    ...chains.map(([name, ranges]) =>
      one(`epochs/chain-${name}`, "8.3", "epoch.range-chain", { ranges }),
    ),
  ];
}
