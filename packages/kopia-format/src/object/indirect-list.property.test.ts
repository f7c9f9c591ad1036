import fc from "fast-check";
import { test } from "vitest";
import { isKopiaError } from "../base/errors.ts";
import { decodeIndirectList, encodeIndirectList, type IndirectEntry } from "./indirect-list.ts";

const entryList = fc
  .array(
    fc.record({
      lengthBytes: fc.oneof(fc.constant(0), fc.nat(2 ** 30)),
      objectId: fc.stringMatching(/^(II?|Z)?(?:[0-9a-f]{2}){1,16}$/),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((pieces) => {
    let offsetBytes = 0;
    return pieces.map((piece): IndirectEntry => {
      const entry = { ...piece, offsetBytes };
      offsetBytes += piece.lengthBytes;
      return entry;
    });
  });

test("decode undoes encode, and no truncation passes", () => {
  fc.assert(
    fc.property(entryList, fc.double({ min: 0, max: 0.999, noNaN: true }), (entries, cut) => {
      const bytes = encodeIndirectList(entries);
      const back = decodeIndirectList(bytes);
      if (JSON.stringify(back) !== JSON.stringify(entries.map(inOrder))) throw new Error("differs");
      // Without the final newline it is still whole.
      refuses(bytes.subarray(0, Math.floor((bytes.length - 1) * cut)));
    }),
  );
});

test("arbitrary bytes never give anything but an error of ours", () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.json().map(encode)), (bytes) => {
      try {
        decodeIndirectList(bytes);
      } catch (error) {
        if (!isKopiaError(error, "OBJECT_CORRUPT")) throw error;
      }
    }),
  );
});

function inOrder({ offsetBytes, lengthBytes, objectId }: IndirectEntry): IndirectEntry {
  return { offsetBytes, lengthBytes, objectId };
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function refuses(bytes: Uint8Array): void {
  try {
    decodeIndirectList(bytes);
  } catch (error) {
    if (isKopiaError(error, "OBJECT_CORRUPT")) return;
    throw error;
  }
  throw new Error("a truncation was accepted");
}
