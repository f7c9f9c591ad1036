import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { BUZHASH_TABLE } from "./buzhash-table.ts";
import { buzhashWindow } from "./buzhash.ts";
import { rabinKarpTables, type RabinKarpTable } from "./rabinkarp.ts";

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function u64be(table: RabinKarpTable): Uint8Array {
  const bytes = Buffer.alloc(2048);
  for (let i = 0; i < 256; i++) {
    bytes.writeInt32BE(table.high[i]!, 8 * i);
    bytes.writeInt32BE(table.low[i]!, 8 * i + 4);
  }
  return bytes;
}

test("Buzhash table (spec 2 §1.4)", () => {
  const bytes = Buffer.alloc(1024);
  BUZHASH_TABLE.forEach((value, i) => bytes.writeUInt32BE(value, 4 * i));
  expect(sha256Of(bytes)).toBe("9f95254df5585a4957a754ceac4fba2a8af24ad015e84f56db59dfc1e218f6dd");
});

test("Buzhash check values: 64 zeros, then 0, 1, 2, … (spec 2 §1.4)", () => {
  const data = new Uint8Array(64 + 100);
  for (let i = 0; i < 100; i++) data[64 + i] = i;
  const after = (byte: number): number => buzhashWindow(data, 64 + byte + 1) >>> 0;
  expect([0, 1, 63, 99].map(after)).toEqual([0, 0x58c3eb1d, 0xd9b0c9cf, 0x53fd8d6b]);
});

test("Rabin–Karp tables (spec 2 §1.5)", () => {
  const { out, mod } = rabinKarpTables();
  expect(sha256Of(u64be(out))).toBe(
    "c47728da8d04d80fd5eb52d0ae75ebde1b81eaf3ef874867903cecb4e745d816",
  );
  expect(sha256Of(u64be(mod))).toBe(
    "a44049603a54709a0f7b7b3ea64e692e4fe2f5e101a923b89ce2b3f5ee1e8d5b",
  );
});
