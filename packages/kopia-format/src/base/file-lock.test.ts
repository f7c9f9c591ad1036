import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tryLockFile } from "./file-lock.ts";
import { loadLibc } from "./libc.ts";

test.skipIf(loadLibc() === undefined)("a lock is held by one, and free again afterwards", () => {
  const directory = mkdtempSync(join(tmpdir(), "lock-"));
  try {
    const path = join(directory, "lock");
    const free = tryLockFile(path);
    expect(free).toBeTypeOf("function");
    expect(tryLockFile(path)).toBeUndefined();
    free?.();
    const again = tryLockFile(path);
    expect(again).toBeTypeOf("function");
    again?.();
    expect(() => tryLockFile(join(directory, "none", "lock"))).toThrow(/ENOENT/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
