import { sha256 } from "@noble/hashes/sha2.js";
import { expect, test } from "vitest";
import { testFormat } from "../../test/contents/contents.ts";
import { concatBytes, fromHex, toHex, utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import { decodeContentFormat, encodeContentFormat } from "./content-format-json.ts";
import {
  decodeFormatBlob,
  encodeFormatBlob,
  openContentFormat,
  sealContentFormat,
  type FormatDocument,
} from "./format-blob.ts";
import { formatBoxKey, openBox, sealBox } from "./sealed-box.ts";

// Vectors of spec 1 §15.1: as real Kopia writes them.
const formatKey = fromHex(
  "fbb18fb6dc3deed09c2a8817bc9a0b6eca463706581f70ff5e47b8f2cf4a51e6",
) as Bytes;
const uniqueId = Uint8Array.from({ length: 32 }, (_, i) => i);
const PLAINTEXT =
  '{"format":{"hash":"BLAKE2B-256-128","encryption":"AES256-GCM-HMAC-SHA256","secret":"QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xdXl8=","masterKey":"gIGCg4SFhoeIiYqLjI2Oj5CRkpOUlZaXmJmam5ydnp8=","version":3,"maxPackSize":20971520,"indexVersion":2,"epochParameters":{"Enabled":true,"EpochRefreshFrequency":1200000000000,"FullCheckpointFrequency":7,"CleanupSafetyMargin":14400000000000,"MinEpochDuration":86400000000000,"EpochAdvanceOnCountThreshold":20,"EpochAdvanceOnTotalSizeBytesThreshold":10485760,"DeleteParallelism":4},"enablePasswordChange":true,"splitter":"DYNAMIC-4M-BUZHASH"}}';
const zeros = (lengthBytes: number): Bytes => new Uint8Array(lengthBytes);
const content = testFormat().content;

const document: FormatDocument = {
  tool: "https://github.com/kopia/kopia",
  buildVersion: "1",
  buildInfo: "b",
  uniqueId,
  keyAlgorithm: "scrypt-65536-8-1",
  encryption: "AES256_GCM",
  encryptedFormat: sealContentFormat({ formatKey, uniqueId, content }, zeros),
  source: {},
};

test("settings blob without settings, with an all-zero nonce", () => {
  const box = sealBox(formatBoxKey(formatKey, uniqueId), utf8Encode("{}"), zeros);
  expect(toHex(box)).toBe("000000000000000000000000a4a67ab0baf2ba41e1e48efcde9df1d32410");
  expect(utf8Decode(openBox(formatBoxKey(formatKey, uniqueId), box) as Bytes)).toBe("{}");
});

test("the encrypted part is byte for byte what Kopia writes", () => {
  expect(utf8Decode(encodeContentFormat(content))).toBe(PLAINTEXT);
  expect(document.encryptedFormat.length).toBe(607);
  expect(toHex(sha256(document.encryptedFormat))).toBe(
    "56177078d74f38114035de639da215e05c9a50a14e5befba0540457c19201133",
  );
  expect(openContentFormat(document, formatKey)?.content).toEqual(content);
});

test("the outer document is indented and ends with a newline", () => {
  const text = utf8Decode(encodeFormatBlob(document));
  expect(text).toMatch(
    /^\{\n {2}"tool": "https:\/\/github.com\/kopia\/kopia",\n {2}"buildVersion"/,
  );
  expect(text).toMatch(/"encryptedBlockFormat": "[^"]+"\n\}\n$/);
  const decoded = decodeFormatBlob(utf8Encode(text));
  expect({ ...decoded, source: {} }).toEqual(document);
  expect(encodeFormatBlob(decoded)).toEqual(encodeFormatBlob(document));
});

test("members that are not known survive a rewrite, __proto__ included", () => {
  const inner = utf8Encode(
    '{"other":[1],"format":{"hash":"h","FUTURE":{"a":12345678901234567890},"__proto__":{"x":1}}}',
  );
  const { content: read, source } = decodeContentFormat(inner);
  const again = utf8Decode(encodeContentFormat({ ...read, splitter: "FIXED" }, source));
  expect(again).toContain('"FUTURE":{"a":12345678901234567890}');
  expect(again).toContain('"__proto__":{"x":1}');
  expect(again).toMatch(/,"other":\[1\]\}$/);
  expect(again).toContain('"splitter":"FIXED"');
  const outer = utf8Decode(encodeFormatBlob(document)).replace(
    '"tool"',
    '"newField": true, "tool"',
  );
  expect(utf8Decode(encodeFormatBlob(decodeFormatBlob(utf8Encode(outer))))).toContain(
    '"newField": true',
  );
});

test("legacy blobs get their defaults, keys match in any case", () => {
  const { content: legacy } = decodeContentFormat(
    utf8Encode('{"Format":{"HASH":"x","version":1}}'),
  );
  expect(legacy).toMatchObject({
    hash: "x",
    version: 1,
    indexVersion: 1,
    maxPackSizeBytes: 20 * 2 ** 20,
    enablePasswordChange: false,
    ecc: "",
    splitter: "",
    requiredFeatures: [],
    epochParameters: { enabled: false, epochRefreshFrequencyNs: 0 },
  });
  expect(legacy).not.toHaveProperty("upgradeLock");
});

test("lock and features survive both ways", () => {
  const full = {
    ...content,
    upgradeLock: {
      ownerId: "me",
      creationTime: "2026-11-23T07:01:09.18+02:00",
      advanceNoticeDurationNs: 5,
      ioDrainTimeoutNs: 900e9,
      statusPollIntervalNs: 0,
      message: "m",
      maxPermittedClockDriftNs: 300e9,
    },
    requiredFeatures: [
      { feature: "index-v2", ifNotUnderstood: { warn: false } },
      {
        feature: "f",
        ifNotUnderstood: { warn: true, message: "m", url: "u", upgradeToVersion: "1" },
      },
    ],
  };
  expect(decodeContentFormat(encodeContentFormat(full)).content).toEqual(full);
});

test.each([
  ["", /empty/],
  ["{", /damaged/],
  ["[]", /JSON object/],
  ['{"uniqueID":"!!"}', /base64/],
  ['{"uniqueID":"AAA"}', /base64/],
  ['{"uniqueID":12}', /a string/],
  ['{"encryption":"AES256_GCM"}', /0 bytes/],
  ['{"encryption":"AES256_GCM","encryptedBlockFormat":"AAAA"}', /3 bytes/],
])("%j is a damaged format blob", (text, message) => {
  expect(() => decodeFormatBlob(utf8Encode(text))).toThrow(
    expect.objectContaining({
      code: "FORMAT_CORRUPT",
      message: expect.stringMatching(message) as string,
    }),
  );
});

test.each([
  '{"format":[]}',
  '{"format":{"version":"3"}}',
  '{"format":{"version":3.5}}',
  '{"format":{"version":9007199254740993}}',
  '{"format":{"secret":"not base64"}}',
  '{"format":{"upgradeLock":{"creationTime":"yesterday"}}}',
  '{"format":{"requiredFeatures":[1]}}',
])("%s is a damaged encrypted part", (text) => {
  expect(() => decodeContentFormat(utf8Encode(text))).toThrow(
    expect.objectContaining({ code: "FORMAT_CORRUPT" }),
  );
});

test("another format encryption is unknown, not damaged", () => {
  expect(() => decodeFormatBlob(utf8Encode('{"encryption":"NONE"}'))).toThrow(
    expect.objectContaining({ code: "ALGORITHM_UNKNOWN" }),
  );
});

test("every flipped byte of a sealed box is noticed, and every other length", () => {
  const boxKey = formatBoxKey(formatKey, uniqueId);
  const box = sealBox(boxKey, utf8Encode("content"), zeros);
  for (let i = 0; i < box.length; i++) {
    const flipped = box.slice();
    flipped[i] = (flipped[i] as number) ^ 1;
    expect(openBox(boxKey, flipped)).toBeUndefined();
    expect(openBox(boxKey, box.subarray(0, i))).toBeUndefined();
  }
  expect(openBox(boxKey, concatBytes(box, zeros(1)))).toBeUndefined();
});

test("members that are empty are left out, and read as what they were", () => {
  const upgradeLock = {
    ownerId: "",
    creationTime: "2026-11-23T07:01:09Z",
    advanceNoticeDurationNs: 0,
    ioDrainTimeoutNs: 0,
    statusPollIntervalNs: 0,
    message: "",
    maxPermittedClockDriftNs: 0,
  };
  const bare = { ...content, maxPackSizeBytes: 0, indexVersion: 0, upgradeLock };
  const text = utf8Decode(encodeContentFormat(bare));
  expect(text).not.toMatch(/ownerID|ioDrainTimeout|"message"|maxPermittedClockDrift|maxPackSize/);
  expect(decodeContentFormat(utf8Encode(text)).content.upgradeLock).toEqual(upgradeLock);
  const empty = encodeFormatBlob({ ...document, encryptedFormat: zeros(0) });
  expect(utf8Decode(empty)).not.toContain("encryptedBlockFormat");
});
