import fc from "fast-check";
import { expect, test } from "vitest";
import { testFormat } from "../../test/contents/contents.ts";
import { utf8Encode } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import { fuzzRuns } from "../testing/fuzz-runs.ts";
import { seededRandom } from "../testing/seeded.ts";
import { decodeBlobConfig } from "./blob-config.ts";
import { decodeContentFormat, encodeContentFormat } from "./content-format-json.ts";
import { decodeFormatBlob, encodeFormatBlob } from "./format-blob.ts";
import { encodeFormatCopy, findFormatCopyAtEnd, findFormatCopyAtStart } from "./format-copy.ts";
import { decodeMaintenanceBlob } from "./maintenance-blob.ts";
import { deriveRepositoryKey } from "./key-derivation.ts";
import { sealBox } from "./sealed-box.ts";

const numRuns = fuzzRuns(300);
const format = testFormat();
const REFUSALS = new Set<string>(["FORMAT_CORRUPT", "ALGORITHM_UNKNOWN", "MAINTENANCE_CORRUPT"]);

function refusedOrRead(read: () => unknown): void {
  try {
    read();
  } catch (error) {
    if (!isKopiaError(error) || !REFUSALS.has(error.code)) throw error;
  }
}

/** JSON that is near what is wanted: known names, any values. */
const nearJson = fc
  .dictionary(
    fc.constantFrom(
      "format",
      "uniqueID",
      "encryption",
      "encryptedBlockFormat",
      "version",
      "secret",
      "upgradeLock",
      "requiredFeatures",
      "epochParameters",
      "Enabled",
      "runs",
      "retentionMode",
      "nextFullMaintenance",
      "__proto__",
      "constructor",
    ),
    fc.jsonValue({ maxDepth: 3 }),
  )
  .map((value) => utf8Encode(JSON.stringify({ ...value, format: value })));
const input = fc.oneof(fc.uint8Array({ maxLength: 200 }), nearJson);

test("format documents", () => {
  fc.assert(
    fc.property(input, (bytes) => {
      refusedOrRead(() => encodeFormatBlob(decodeFormatBlob(bytes)));
      refusedOrRead(() => {
        const { content, source } = decodeContentFormat(bytes);
        expect(decodeContentFormat(encodeContentFormat(content, source)).content).toEqual(content);
      });
      refusedOrRead(() => decodeBlobConfig(bytes));
      expect(Object.keys(Object.prototype)).toEqual([]);
    }),
    { numRuns },
  );
});

test("maintenance schedules, sealed and not", () => {
  const key = {
    key: deriveRepositoryKey(format, { purpose: "maintenance schedule", lengthBytes: 32 }),
    additionalData: utf8Encode("maintenance"),
  };
  fc.assert(
    fc.property(input, (bytes) => {
      refusedOrRead(() => decodeMaintenanceBlob(format, bytes));
      refusedOrRead(() => decodeMaintenanceBlob(format, sealBox(key, bytes, seededRandom(1))));
    }),
    { numRuns },
  );
});

test("format copies are found at either end, and nothing else is taken for one", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      (blob, other) => {
        const copy = encodeFormatCopy(blob);
        const after = new Uint8Array([...copy, ...other]);
        const before = new Uint8Array([...other, ...copy]);
        expect(findFormatCopyAtStart(after)).toEqual(new Uint8Array(blob));
        expect(findFormatCopyAtEnd(before)).toEqual(new Uint8Array(blob));
        expect(findFormatCopyAtStart(other)).toBeUndefined();
        expect(findFormatCopyAtEnd(blob)).toBeUndefined();
      },
    ),
    { numRuns },
  );
});
