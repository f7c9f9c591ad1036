import { expect, test } from "vitest";
import { TAR_BLOCK_BYTES, encodeTarHeader, tarPadding } from "./tar-header.ts";

const MEMBER = {
  path: "a",
  type: "file",
  mode: 0o644,
  uid: 1,
  gid: 2,
  sizeBytes: 3,
  modTimeNs: 1_000_000_000n,
} as const;

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

test("what the old fields hold needs one block", () => {
  const header = encodeTarHeader(MEMBER);
  expect(header.length).toBe(TAR_BLOCK_BYTES);
  expect(text(header.subarray(257, 265))).toBe("ustar\u000000");
});

test.each([
  ["fractions of a second", { modTimeNs: 1_500_000_000n }, "21 mtime=1.500000000\n"],
  ["before 1970", { modTimeNs: -1_500_000_000n }, "22 mtime=-1.500000000\n"],
  ["8 GiB", { sizeBytes: 8 * 2 ** 30 }, "19 size=8589934592\n"],
  ["large owners", { uid: 3_000_000 }, "15 uid=3000000\n"],
  ["long names", { path: "n".repeat(101) }, `111 path=${"n".repeat(101)}\n`],
])("%s go into a pax header", (_, change, record) => {
  const header = encodeTarHeader({ ...MEMBER, ...change });
  expect(text(header.subarray(512, 512 + record.length))).toBe(record);
  expect(header.length % TAR_BLOCK_BYTES).toBe(0);
});

test("data fills whole blocks", () => {
  expect([0, 1, 511, 512, 513].map((size) => tarPadding(size).length)).toEqual([0, 511, 1, 0, 511]);
});
