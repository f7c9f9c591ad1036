import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadKernel } from "./load-kernel.ts";
import { SOURCE_SHA256, WASM_BASE64 } from "./splitter-kernel.wasm.ts";

test("the committed kernel was compiled from the source beside it", () => {
  const source = readFileSync(join(import.meta.dirname, "splitter-kernel.as"));
  expect(createHash("sha256").update(source).digest("hex")).toBe(SOURCE_SHA256);
});

test("the kernel exports what its loader uses, and imports nothing", () => {
  expect(Object.keys(loadKernel(WASM_BASE64) ?? {}).sort()).toEqual([
    "anyRabinKarp",
    "findBuzhash",
    "findRabinKarp",
    "memory",
  ]);
});

test("bytes that are no module give undefined, so that the plain twin takes over", () => {
  expect(loadKernel("AAAA")).toBeUndefined();
});
