import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8Encode } from "../../../base/bytes.ts";
import { isKopiaError } from "../../../base/errors.ts";
import { fuzzRuns } from "../../../testing/fuzz-runs.ts";
import { decodeCompactionLog } from "./compaction-log.ts";
import { withoutSuperseded } from "./v0-index-blob-manager.ts";

const decode = (text: string): unknown => decodeCompactionLog(utf8Encode(text), "m1");

test("inputs and outputs of a compaction", () => {
  expect(
    decode(
      '{"inputMetadata":[{"id":"n1","length":5,"timestamp":"2020-01-01T00:00:00Z"},{"id":"n2"}],"outputMetadata":null}',
    ),
  ).toEqual({ inputIds: ["n1", "n2"], outputIds: [] });
});

test.each(["", "[]", '{"inputMetadata":{}}', '{"inputMetadata":[{}]}', '{"outputMetadata":[1]}'])(
  "%j is a damaged log",
  (text) => {
    expect(() => decode(text)).toThrow(expect.objectContaining({ code: "INDEX_CORRUPT" }));
  },
);

test("arbitrary bytes are a log or refused", () => {
  const json = fc.dictionary(fc.constantFrom("inputMetadata", "outputMetadata"), fc.jsonValue());
  const input = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    json.map((value) => utf8Encode(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(input, (bytes) => {
      try {
        const { inputIds, outputIds } = decodeCompactionLog(bytes, "m1");
        expect([...inputIds, ...outputIds].every((id) => id !== "")).toBe(true);
      } catch (error) {
        if (!isKopiaError(error, "INDEX_CORRUPT")) throw error;
      }
    }),
    { numRuns: fuzzRuns(200) },
  );
});

test("inputs are superseded only when all outputs are there", () => {
  const blobs = ["n1", "n2", "n3", "n4"].map((id) => ({ id, lengthBytes: 1, timestamp: 0n }));
  const active = (...logs: { inputIds: string[]; outputIds: string[] }[]): string[] =>
    withoutSuperseded(blobs, logs).map((blob) => blob.id);
  expect(active()).toEqual(["n1", "n2", "n3", "n4"]);
  expect(active({ inputIds: ["n1", "n2"], outputIds: ["n3"] })).toEqual(["n3", "n4"]);
  expect(active({ inputIds: ["n1", "n2"], outputIds: ["n3", "n5"] })).toEqual([
    "n1",
    "n2",
    "n3",
    "n4",
  ]);
  expect(active({ inputIds: ["n4"], outputIds: [] })).toEqual(["n1", "n2", "n3"]);
});
