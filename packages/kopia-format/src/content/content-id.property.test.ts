import fc from "fast-check";
import { expect, test } from "vitest";
import { compareBytes } from "../base/bytes.ts";
import { isKopiaError } from "../base/errors.ts";
import { compareContentIds, contentIdToKey, isContentId, keyToContentId } from "./content-id.ts";
import { arbitraryContentId } from "../../test/indexes/arbitrary-entries.ts";

test("text order and key order agree, and keys round trip", () => {
  fc.assert(
    fc.property(arbitraryContentId(3), arbitraryContentId(3), (a, b) => {
      const byKey = Math.sign(compareBytes(contentIdToKey(a), contentIdToKey(b)));
      expect(byKey).toBe(compareContentIds(a, b));
      expect(keyToContentId(contentIdToKey(a))).toBe(a);
    }),
  );
});

test("any text is an ID or refused", () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 70, unit: "binary" }), (text) => {
      try {
        expect(keyToContentId(contentIdToKey(text))).toBe(text);
        expect(isContentId(text)).toBe(true);
      } catch (error) {
        expect(isKopiaError(error, "CONTENT_ID_INVALID")).toBe(true);
        expect(isContentId(text)).toBe(false);
      }
    }),
  );
});
