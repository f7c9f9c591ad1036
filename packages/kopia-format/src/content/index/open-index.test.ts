import { expect, test } from "vitest";
import { fromHex, type Bytes } from "../../base/bytes.ts";
import { INVALID_PACK_BLOB_ID } from "./index-reader.ts";
import { openIndex } from "./open-index.ts";

const KEY = "000102030405060708090a0b0c0d0e0f";
const corrupt = expect.objectContaining({ code: "INDEX_CORRUPT" });

function open(hex: string): ReturnType<typeof openIndex> {
  return openIndex(fromHex(hex.replaceAll(" ", "")) as Bytes, "xn0_test");
}

test.each([
  ["nothing", ""],
  ["an unknown version", "03110014 00000000"],
  ["a version 1 header cut off", "01110014 000000"],
  ["a version 2 header cut off", "02110010 00000000 00000000 01 000000"],
  ["version 1 with another entry length", "01110015 00000000"],
  ["version 2 with entries too short", "0211000f 00000000 00000000 01 00000000"],
  ["version 2 with entries too long", "02110014 00000000 00000000 01 00000000"],
  ["a key length of 1", `01010014 00000001 00 ${"00".repeat(20)}`],
  ["a key length of 34", `01220014 00000001 ${"00".repeat(54)}`],
  ["more entries than bytes", `01110014 00000002 ${"00".repeat(37)}`],
  ["2^32 - 1 entries", "02110013 ffffffff ffffffff ff ffffffff"],
  ["packs beyond the end", "02110010 00000000 ffffffff 01 00000000"],
  ["formats beyond the end", "02110010 00000000 00000000 01 00000000 0000"],
])("%s is refused", (_name, hex) => {
  expect(() => open(hex)).toThrow(corrupt);
});

test("keys out of order or doubled are refused", () => {
  const entry = (key: string): string => key + "00".repeat(20);
  expect(() => open(`01020014 00000002 ${entry("0002")} ${entry("0001")}`)).toThrow(corrupt);
  expect(() => open(`01020014 00000002 ${entry("0001")} ${entry("0001")}`)).toThrow(corrupt);
  expect(open(`01020014 00000002 ${entry("0001")} ${entry("0002")}`).entryCount).toBe(2);
});

test("an index without entries is read whatever its key length", () => {
  expect(open("01ff0014 00000000").entryCount).toBe(0);
  expect(open("02000010 00000000 00000000 00 00000000").entryCount).toBe(0);
});

test("references that point outside give an unusable entry, not an error", () => {
  const v2 = (packIndex: string, formatIndex: string, packRecord: string): string =>
    `02110011 00000001 00000001 01 00000000 00${KEY} 00000001 00000020 000064 000080 ${packIndex} ${formatIndex} ${packRecord} 00001100 03 00 5041434b`;
  expect(open(v2("0000", "00", "04 0000003e")).packBlobIdAt(0)).toBe("PACK");
  expect(open(v2("0000", "00", "04 0000003e")).compressionHeaderIdAt(0)).toBe(0x1100);
  for (const bad of [
    v2("0001", "00", "04 0000003e"),
    v2("0000", "01", "04 0000003e"),
    v2("0000", "00", "05 0000003e"),
    v2("0000", "00", "00 0000003e"),
    v2("0000", "00", "04 ffffffff"),
  ]) {
    expect(open(bad).entryAt(0).packBlobId).toBe(INVALID_PACK_BLOB_ID);
  }
  const v1 = `01110014 00000001 00${KEY} 000000000001 01 09 0000002d 00000020 00000080 7061636b`;
  expect(open(v1).entryAt(0)).toMatchObject({ packBlobId: INVALID_PACK_BLOB_ID, formatVersion: 1 });
});

test("version 1 timestamps have 48 bits, original lengths are 28 less and never negative", () => {
  const v1 = (packedLength: string): string =>
    `01110014 00000001 00${KEY} fffffffffffe 01 04 0000002d ffffffff ${packedLength} 7061636b`;
  expect(open(v1("00000080")).entryAt(0)).toMatchObject({
    packBlobId: "pack",
    timestampSeconds: 2 ** 48 - 2,
    packOffset: 2 ** 31 - 1,
    deleted: true,
    originalLength: 100,
  });
  expect(open(v1("00000003")).originalLengthAt(0)).toBe(0);
});
