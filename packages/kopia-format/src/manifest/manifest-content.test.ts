import fc from "fast-check";
import { gunzipSync, gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import {
  decodeManifestContent,
  encodeManifestContent,
  encodePayload,
  tombstone,
  type ManifestItem,
} from "./manifest-content.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 200);
const ID = "0123456789abcdef0123456789abcdef";

function decodeText(text: string): ManifestItem[] {
  return decodeManifestContent(gzipSync(text), "m00");
}

test("the document is written as the specification shows it", () => {
  const content = encodeManifestContent([
    {
      id: ID,
      labels: { type: "snapshot", path: "/a<b>", hostname: "h" },
      modified: 1_700_000_000_120_000_000n,
      deleted: false,
      data: encodePayload('{ "b": 1.50, "a": "<&>" }'),
    },
    tombstone(ID.replaceAll("0", "f"), 1_700_000_000_000_000_000n),
  ]);
  expect(utf8Decode(gunzipSync(content))).toBe(
    `{"entries":[{"id":"${ID}","labels":{"hostname":"h","path":"/a\\u003cb\\u003e","type":"snapshot"},"modified":"2023-11-14T22:13:20.12Z","data":{"b":1.50,"a":"\\u003c\\u0026\\u003e"}},` +
      `{"id":"${ID.replaceAll("0", "f")}","labels":null,"modified":"2023-11-14T22:13:20Z","deleted":true,"data":null}]}\n`,
  );
});

test("payloads stay byte for byte, whatever is in them", () => {
  const payload = String.raw`{"n":12345678901234567890,"f":1.50,"e":"\u00e9\/","A":1,"a":2,"a":3}`;
  const [item] = decodeManifestContent(
    encodeManifestContent([
      { id: ID, labels: { type: "t" }, modified: 0n, deleted: false, data: encodePayload(payload) },
    ]),
    "m00",
  );
  expect(utf8Decode(item?.data as Uint8Array)).toBe(payload);
});

test("labels are sorted by their UTF-8 bytes", () => {
  const labels = { type: "t", "\u{1f600}": "1", "\uffee": "2" };
  const content = encodeManifestContent([
    { id: ID, labels, modified: 0n, deleted: false, data: encodePayload("1") },
  ]);
  expect(utf8Decode(gunzipSync(content))).toContain(
    '"labels":{"type":"t","\uffee":"2","\u{1f600}":"1"}',
  );
});

test("reading is as lenient as the original, and keys are only keys", () => {
  const [item] = decodeText(
    ` {"ENTRIES":[{"ID":"${ID}","extra":{"id":"no"},"Labels":{"type":"t","__proto__":"x","toString":"y"},"modified":"2023-11-14T23:13:20.5+01:00","deleted":null,"data": {"x": 1} }], "other":1} `,
  );
  expect(item?.id).toBe(ID);
  expect(item?.modified).toBe(1_700_000_000_500_000_000n);
  expect(Object.entries(item?.labels ?? {})).toEqual([
    ["type", "t"],
    ["__proto__", "x"],
    ["toString", "y"],
  ]);
  expect(item?.deleted).toBe(false);
  expect(utf8Decode(item?.data as Uint8Array)).toBe('{"x": 1}');
  expect(decodeText('{"entries":[]}')).toEqual([]);
});

const MODIFIED = '"modified":"2023-11-14T22:13:20Z"';

test.each([
  "",
  "null",
  "[]",
  "{}",
  '{"entries":null}',
  '{"entries":{}}',
  '{"entries":[],"Entries":[]}',
  '{"entries":[1]}',
  '{"entries":[null]}',
  `{"entries":[{${MODIFIED}}]}`,
  `{"entries":[{"id":1,${MODIFIED}}]}`,
  '{"entries":[{"id":"ab"}]}',
  '{"entries":[{"id":"ab","modified":"yesterday"}]}',
  `{"entries":[{"id":"ab",${MODIFIED},"labels":{"a":1}}]}`,
  `{"entries":[{"id":"ab",${MODIFIED},"labels":[]}]}`,
  `{"entries":[{"id":"ab",${MODIFIED},"deleted":"yes"}]}`,
  `{"entries":[{"id":"ab",${MODIFIED}}`,
])("%j is refused", (text) => {
  expect(() => decodeText(text)).toThrow(expect.objectContaining({ code: "MANIFEST_CORRUPT" }));
});

test("bytes that are no gzip are refused, also every truncation", () => {
  expect(() => decodeManifestContent(utf8Encode("x"), "m00")).toThrow(
    expect.objectContaining({ code: "MANIFEST_CORRUPT", details: { where: "m00" } }),
  );
  const content = encodeManifestContent([tombstone(ID, 0n)]);
  for (let length = 0; length < content.length; length++) {
    expect(() => decodeManifestContent(content.subarray(0, length), "m00")).toThrow(
      expect.objectContaining({ code: "MANIFEST_CORRUPT" }),
    );
  }
});

test("payloads that are not one JSON value are refused", () => {
  for (const payload of ["", "{", "1 2", "undefined"]) {
    expect(() => encodePayload(payload)).toThrow(
      expect.objectContaining({ code: "MANIFEST_INVALID" }),
    );
  }
});

test("decode undoes encode", () => {
  const item = fc.record({
    id: fc.stringMatching(/^[0-9a-f]{32}$/),
    labels: fc.dictionary(fc.string(), fc.string({ unit: "grapheme" })),
    modified: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
    deleted: fc.constant(false),
    data: fc.json().map(encodePayload),
  });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 5 }), (items) => {
      const back = decodeManifestContent(encodeManifestContent(items), "m00");
      expect(back.map(comparable)).toEqual(items.map(comparable));
    }),
    { numRuns },
  );
});

test("arbitrary documents never give anything but an error of ours", () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
      try {
        decodeText(text);
      } catch (error) {
        if (!isKopiaError(error, "MANIFEST_CORRUPT")) throw error;
      }
    }),
    { numRuns },
  );
});

function comparable(item: ManifestItem): unknown {
  return { ...item, labels: new Map(Object.entries(item.labels)), data: utf8Decode(item.data) };
}
