import { expect, test } from "vitest";
import { KopiaError } from "../base/errors.ts";
import { storageError } from "./system-error.ts";
import { systemErrorCode } from "../base/system-error-code.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: failed`), { code });
}

test("each system error has its code, and keeps its cause", () => {
  const write = { action: "write", blob: "p01", path: "/repo/p01.f" } as const;
  for (const [systemCode, code] of [
    ["ENOSPC", "STORAGE_FULL"],
    ["EDQUOT", "STORAGE_FULL"],
    ["EFBIG", "STORAGE_FULL"],
    ["EACCES", "STORAGE_PERMISSION"],
    ["EPERM", "STORAGE_PERMISSION"],
    ["EROFS", "STORAGE_PERMISSION"],
    ["EIO", "STORAGE_UNAVAILABLE"],
    ["ESTALE", "STORAGE_UNAVAILABLE"],
    ["ENOTCONN", "STORAGE_UNAVAILABLE"],
    ["ENOENT", "STORAGE_UNAVAILABLE"],
    ["EMFILE", "STORAGE_UNAVAILABLE"],
  ] as const) {
    const cause = systemError(systemCode);
    const error = storageError(cause, write);
    expect(error.code).toBe(code);
    expect(error.details).toEqual({ blob: "p01", path: "/repo/p01.f", systemCode });
    expect(error.cause).toBe(cause);
    expect(error.message).toBe(`cannot write blob p01: ${systemCode}: failed`);
  }
});

test("only reading a blob can find it missing", () => {
  const missing = systemError("ENOENT");
  const path = "/repo/p01.f";
  expect(storageError(missing, { action: "read", blob: "p01", path }).code).toBe("BLOB_NOT_FOUND");
  expect(storageError(missing, { action: "read", path }).code).toBe("STORAGE_UNAVAILABLE");
  expect(storageError(missing, { action: "list", path }).code).toBe("STORAGE_UNAVAILABLE");
});

test("typed errors pass unchanged, others have no system code", () => {
  const typed = new KopiaError("STORAGE_RANGE", "too short");
  expect(storageError(typed, { action: "read", path: "/x" })).toBe(typed);
  expect(storageError("text", { action: "open", path: "/x" }).message).toBe("cannot open /x: text");
  expect(systemErrorCode(new Error("x"))).toBeUndefined();
});
