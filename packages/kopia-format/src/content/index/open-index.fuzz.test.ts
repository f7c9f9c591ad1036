import fc from "fast-check";
import { expect, test } from "vitest";
import { arbitraryEntry } from "../../../test/indexes/arbitrary-entries.ts";
import { isKopiaError } from "../../base/errors.ts";
import { fuzzRuns } from "../../testing/fuzz-runs.ts";
import { buildIndex } from "./build-index.ts";
import { CommittedIndex } from "./committed-index.ts";
import { openIndex } from "./open-index.ts";

const numRuns = fuzzRuns(500);

/** Opens bytes and reads everything they claim to hold; only a typed refusal is allowed besides. */
function readAll(bytes: Uint8Array): void {
  try {
    const reader = openIndex(bytes, "fuzz");
    const index = new CommittedIndex();
    index.add([{ blobId: "fuzz", bytes }]);
    let count = 0;
    for (const entry of index.entries({ includeDeleted: true })) {
      expect(entry.packedLength).toBeGreaterThanOrEqual(0);
      expect(index.lookup(entry.contentId)).toEqual(entry);
      count++;
    }
    expect(count).toBeLessThanOrEqual(reader.entryCount);
  } catch (error) {
    const isTyped =
      isKopiaError(error, "INDEX_CORRUPT") || isKopiaError(error, "CONTENT_ID_INVALID");
    if (!isTyped) throw error;
  }
}

test("arbitrary bytes are an index or refused", () => {
  const header = fc.tuple(
    fc.constantFrom(1, 2),
    fc.constantFrom(2, 3, 17, 33),
    fc.constantFrom(16, 17, 18, 19, 20),
  );
  fc.assert(
    fc.property(
      header,
      fc.uint8Array({ maxLength: 400 }),
      ([version, keyLength, entryLength], rest) => {
        readAll(rest);
        readAll(Uint8Array.from([version, keyLength, 0, entryLength, 0, 0, 0, ...rest]));
      },
    ),
    { numRuns },
  );
});

test("a real index with some bytes changed is an index or refused", () => {
  const entries = fc.array(arbitraryEntry({ version: 2 }), { minLength: 1, maxLength: 10 });
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(entries, changes, (list, edits) => {
      const bytes = buildIndex(list, { version: 2 });
      for (const [place, value] of edits) bytes[place % bytes.length] = value;
      readAll(bytes);
    }),
    { numRuns },
  );
});
