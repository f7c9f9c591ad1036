import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadKernel } from "./load-kernel.ts";
import * as blake2b from "./blake2b-kernel.wasm.ts";
import * as contentKey from "./content-key-kernel.wasm.ts";
import * as ecc from "./ecc-kernel.wasm.ts";
import * as s2 from "./s2-kernel.wasm.ts";
import * as scrypt from "./scrypt-kernel.wasm.ts";
import * as splitter from "./splitter-kernel.wasm.ts";

const KERNELS = [
  ["splitter-kernel", splitter, ["anyRabinKarp", "findBuzhash", "findRabinKarp", "memory"]],
  ["content-key-kernel", contentKey, ["hmac", "keyBlock", "memory"]],
  ["ecc-kernel", ecc, ["memory", "parity", "unwrap", "wrap"]],
  ["blake2b-kernel", blake2b, ["hashMany", "memory", "takeKey"]],
  ["s2-kernel", s2, ["crc32c", "memory", "packBlock", "unpackBlock"]],
  ["scrypt-kernel", scrypt, ["begin", "fill", "filled", "finish", "memory", "mix", "reserve"]],
] as const;

for (const [name, module, exports] of KERNELS) {
  test(`the committed ${name} was compiled from the source beside it`, () => {
    const source = readFileSync(join(import.meta.dirname, `${name}.as`));
    expect(createHash("sha256").update(source).digest("hex")).toBe(module.SOURCE_SHA256);
  });

  test(`${name} exports what its loader uses, and imports nothing`, () => {
    expect(Object.keys(loadKernel(module.WASM_BASE64) ?? {}).sort()).toEqual(exports);
  });
}

test("bytes that are no module give undefined, so that the plain twin takes over", () => {
  expect(loadKernel("AAAA")).toBeUndefined();
});
