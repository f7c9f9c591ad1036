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
