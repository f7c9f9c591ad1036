import { expect, test } from "vitest";
import { KopiaError, errorFromWire, errorToWire, isKopiaError } from "./errors.ts";

test("an error crosses threads with its code, details and cause", () => {
  const cause = new KopiaError("BLOB_NOT_FOUND", "blob p01 is missing", {
    details: { blob: "p01" },
  });
  const error = new KopiaError("CONTENT_NOT_FOUND", "content ab is missing", { cause });
  const copy = errorFromWire(structuredClone(errorToWire(error)));
  expect(copy).toBeInstanceOf(KopiaError);
  expect(copy.code).toBe("CONTENT_NOT_FOUND");
  expect(copy.retry).toBe("never");
  expect(isKopiaError(copy.cause, "BLOB_NOT_FOUND")).toBe(true);
  expect((copy.cause as KopiaError).details).toEqual({ blob: "p01" });
});

test("causes of other kinds cross as their text, and an error without cause or stack stays so", () => {
  const wire = (cause: unknown) => errorToWire(new KopiaError("BLOB_NOT_FOUND", "gone", { cause }));
  expect((errorFromWire(wire(new TypeError("odd"))).cause as Error).message).toBe("odd");
  expect((errorFromWire(wire("just text")).cause as Error).message).toBe("just text");
  const bare = new KopiaError("BLOB_NOT_FOUND", "gone");
  delete bare.stack;
  const copy = errorFromWire(errorToWire(bare));
  expect([copy.cause, copy.message, copy.details]).toEqual([undefined, "gone", {}]);
  expect(errorToWire(bare).stack).toBeUndefined();
  expect(copy.advice).not.toBe("");
});
