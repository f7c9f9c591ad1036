import { RECORDED, STANDARD, type CaseRow, caseOfRow, counting, hexOf } from "./stated-case.ts";
import type { Fields, VectorCase } from "./vector.ts";

const FORMAT_KEY = "fbb18fb6dc3deed09c2a8817bc9a0b6eca463706581f70ff5e47b8f2cf4a51e6";
const PASSWORD = "correct horse battery staple";

function keyCase(...[name, ...rest]: CaseRow): VectorCase {
  return caseOfRow(`keys/${name}`, ...rest);
}

/** Key derivations and the sealed boxes of the format blobs. */
export function keyCases(): VectorCase[] {
  const uniqueId = counting(0);
  const derived: readonly [string, string, string, number, string?][] = [
    [
      "aes",
      FORMAT_KEY,
      "AES",
      32,
      "5468cf5e3fce88c2f19f0767440da0913bc36000a1fce706a2c48f6b72270b27",
    ],
    [
      "checksum",
      FORMAT_KEY,
      "CHECKSUM",
      32,
      "df729b04e834f1252335f13cc64023de5a019bcc31b677430e2074fd911afd04",
    ],
    [
      "maintenance",
      counting(0x80),
      "maintenance schedule",
      32,
      "7d69c864131b0a9763c5ca4846b5b3c2948147eab6c78cb7a91016f314aaba0d",
    ],
    [
      "local-cache",
      counting(0x40),
      "local-cache-integrity",
      16,
      "f5d1b6913014e806fcd16c3638a664dd",
    ],
    ["maintenance-old-format", FORMAT_KEY, "maintenance schedule", 32],
    ["local-cache-old-format", FORMAT_KEY, "local-cache-integrity", 16],
  ];
  return [
    keyCase(
      "scrypt",
      "3.2",
      RECORDED,
      "key.format",
      { password: PASSWORD, uniqueId, keyAlgorithm: "scrypt-65536-8-1" },
      { hex: FORMAT_KEY },
    ),
    keyCase(
      "pbkdf2",
      "3.2",
      RECORDED,
      "key.format",
      { password: PASSWORD, uniqueId, keyAlgorithm: "pbkdf2-sha256-600000" },
      { hex: "613a4c3411394e24fffe6c51994307724572e574bcd98ea8cf457c64899bfbfe" },
    ),
    keyCase("scrypt-non-ascii", "3.2", "computed", "key.format", {
      password: "Pässwörd 密码",
      uniqueId,
      keyAlgorithm: "scrypt-65536-8-1",
    }),
    keyCase("scrypt-spaces-count", "3.2", "computed", "key.format", {
      password: ` ${PASSWORD} `,
      uniqueId,
      keyAlgorithm: "scrypt-65536-8-1",
    }),
    keyCase(
      "unknown-algorithm",
      "3.2",
      "computed",
      "key.format",
      { password: PASSWORD, uniqueId, keyAlgorithm: "scrypt-1-1-1" },
      { refused: true },
    ),
    keyCase(
      "no-algorithm",
      "3.2",
      "computed",
      "key.format",
      { password: PASSWORD, uniqueId, keyAlgorithm: "" },
      { refused: true },
    ),
    keyCase(
      "salt-too-short",
      "3.2",
      "computed",
      "key.format",
      { password: PASSWORD, uniqueId: counting(0, 15), keyAlgorithm: "scrypt-65536-8-1" },
      { refused: true },
    ),
    keyCase(
      "hkdf",
      "3.3",
      RECORDED,
      "hkdf-sha256",
      {
        key: hexOf("ABCDEFGHIJKLMNOP"),
        salt: hexOf("0123456789012345"),
        info: hexOf("the-test-purpose"),
        length: 32,
      },
      { hex: "828769ee8969bc37f11dbaa32838f8db6c19daa6e3ae5f5eed2da2d94d8faddb" },
    ),
    keyCase(
      "hkdf-rfc5869-1",
      "3.3",
      STANDARD,
      "hkdf-sha256",
      { key: "0b".repeat(22), salt: counting(0, 13), info: counting(0xf0, 10), length: 42 },
      {
        hex: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
      },
    ),
    keyCase(
      "hkdf-rfc5869-2",
      "3.3",
      STANDARD,
      "hkdf-sha256",
      { key: counting(0, 80), salt: counting(0x60, 80), info: counting(0xb0, 80), length: 82 },
      {
        hex: "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
      },
    ),
    keyCase(
      "hkdf-rfc5869-3",
      "3.3",
      STANDARD,
      "hkdf-sha256",
      { key: "0b".repeat(22), salt: "", info: "", length: 42 },
      {
        hex: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
      },
    ),
    ...derived.map(([name, key, purpose, length, hex]) =>
      keyCase(
        name,
        "3.3",
        hex === undefined ? "computed" : RECORDED,
        "key.derive",
        { key, uniqueId, purpose, length },
        hex === undefined ? undefined : { hex },
      ),
    ),
    keyCase(
      "content-root",
      "4.3",
      RECORDED,
      "key.content",
      {
        masterKey: hexOf("01234567890123456789012345678901"),
        iv: hexOf("aabbccddeeffgghhiijjkkllmmnnoopp"),
      },
      {
        root: "88aac0fcc646ffc04813cc17f4c7a17f8a73b53e4add438898256a7c87ad45d2",
        key: "6c82491c819ee6c89e7bdd065cca8b86c314a7d950dffa92e1c30506f60463ea",
      },
    ),
    keyCase(
      "content-key",
      "4.3",
      RECORDED,
      "key.content",
      { masterKey: counting(0x80), iv: "30a572157ba3e8a14424acacde62ee4a" },
      {
        root: "460d9c1e280cd974081bdd2d9deee86ec558def939d959d30eb258123e42aec2",
        key: "8fe7e184d4ed7d3bb1d91e5f91438da3e2fd2cbfeefd3b9302021f0ba339f844",
      },
    ),
    keyCase(
      "blob-config-sealed",
      "3.6",
      RECORDED,
      "format.seal",
      { formatKey: FORMAT_KEY, uniqueId, nonce: "00".repeat(12), data: { utf8: "{}" } },
      { hex: "000000000000000000000000a4a67ab0baf2ba41e1e48efcde9df1d32410" },
    ),
    keyCase(
      "format-sealed",
      "3.3",
      "computed",
      "format.seal",
      { formatKey: FORMAT_KEY, uniqueId, nonce: "00".repeat(12), data: { utf8: FORMAT_JSON } },
      { length: 607, sha256: "56177078d74f38114035de639da215e05c9a50a14e5befba0540457c19201133" },
    ),
    keyCase(
      "format-copy",
      "3.8",
      "computed",
      "format.copy",
      { data: { utf8: '{"x":1}\n' } },
      {
        hex: "28007b2278223a317d0a00216f30c8faa1ef367067982b2b82290103c75fd055c95c9e707dd822630bd52800",
      },
    ),
    ...[
      ["empty", "{}"],
      ["governance", '{"retentionMode":"GOVERNANCE","retentionPeriod":86400000000000}'],
      ["compliance", '{"retentionMode":"COMPLIANCE","retentionPeriod":2592000000000000}'],
      ["not-json", "{"],
      ["fraction", '{"retentionPeriod":1.5}'],
    ].map(([name, text]) =>
      keyCase(`blob-config-${name}`, "3.6", "computed", "format.blob-config", {
        data: { utf8: text! },
      }),
    ),
    ...lockCases(),
  ];
}

const FORMAT_JSON =
  '{"format":{"hash":"BLAKE2B-256-128","encryption":"AES256-GCM-HMAC-SHA256","secret":"QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=","masterKey":"gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8=","version":3,"maxPackSize":20971520,"indexVersion":2,"epochParameters":{"Enabled":true,"EpochRefreshFrequency":1200000000000,"FullCheckpointFrequency":7,"CleanupSafetyMargin":14400000000000,"MinEpochDuration":86400000000000,"EpochAdvanceOnCountThreshold":20,"EpochAdvanceOnTotalSizeBytesThreshold":10485760,"DeleteParallelism":4},"enablePasswordChange":true,"splitter":"DYNAMIC-4M-BUZHASH"}}';

function lockCases(): VectorCase[] {
  const creationTime = "2026-01-01T00:00:00Z";
  const minutes = (count: number): number => count * 60e9;
  const rows: readonly [string, number, string][] = [
    ["no-notice-locks-at-once", 0, "2026-01-01T00:00:00Z"],
    ["short-notice-locks-at-once", 10, "2025-01-01T00:00:00Z"],
    ["before-the-drain", 120, "2026-01-01T01:24:59Z"],
    ["at-the-drain", 120, "2026-01-01T01:25:00Z"],
    ["after", 120, "2026-01-02T00:00:00Z"],
  ];
  const locked = rows.map(([name, notice, now]) =>
    keyCase(`upgrade-lock-${name}`, "3.7", "computed", "format.upgrade-lock", {
      creationTime,
      advanceNoticeDuration: minutes(notice),
      ioDrainTimeout: minutes(15),
      maxPermittedClockDrift: minutes(5),
      now,
    }),
  );
  return [...locked, ...placedLocks()];
}

/** The encrypted part before and after a lock is placed; the texts after it as the original writes them. */
function placedLocks(): VectorCase[] {
  const head =
    '{"format":{"hash":"HMAC-SHA256","encryption":"AES256-GCM-HMAC-SHA256","secret":"QEFCQw==","masterKey":"gIGCgw==","version":';
  const tail =
    '"maxPackSize":20971520,"indexVersion":1,"epochParameters":{"Enabled":false,"EpochRefreshFrequency":0,"FullCheckpointFrequency":0,"CleanupSafetyMargin":0,"MinEpochDuration":0,"EpochAdvanceOnCountThreshold":0,"EpochAdvanceOnTotalSizeBytesThreshold":0,"DeleteParallelism":0},"enablePasswordChange":false,"splitter":"FIXED"';
  const lock =
    '"upgradeLock":{"ownerID":"me","creationTime":"2026-01-01T00:00:00.5Z","ioDrainTimeout":900000000000,"statusPollInterval":60000000000,"message":"Upgrading from format version 1 -\\u003e 3","maxPermittedClockDrift":300000000000}';
  const input = {
    format: `${head}1,${tail}}}`,
    ownerID: "me",
    ioDrainTimeout: 900e9,
    statusPollInterval: 60e9,
    maxPermittedClockDrift: 300e9,
    now: "2026-01-01T00:00:00.5Z",
  };
  const refused: readonly [string, Fields][] = [
    ["without-owner", { ownerID: "" }],
    ["without-drain", { ioDrainTimeout: 0 }],
    ["poll-above-drain", { statusPollInterval: 901e9 }],
    ["without-drift", { maxPermittedClockDrift: 0 }],
  ];
  const lockCase = (name: string, change: Fields, truth: Fields): VectorCase =>
    keyCase(
      `upgrade-lock-${name}`,
      "3.7",
      "computed",
      "format.lock",
      Object.assign({}, input, change),
      truth,
    );
  return [
    lockCase("placed", {}, { text: `${head}3,${tail},${lock}}}` }),
    ...refused.map(([name, change]) => lockCase(name, change, { refused: true })),
  ];
}
