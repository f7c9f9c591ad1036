import { expect, test } from "vitest";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { isKopiaError, type KopiaError } from "./errors.ts";

function readerOf(...bytes: number[]): ByteReader {
  return new ByteReader(new Uint8Array(bytes), { code: "INDEX_CORRUPT", where: "index xn0_ab" });
}

function errorOf(run: () => unknown): KopiaError {
  try {
    run();
  } catch (error) {
    if (isKopiaError(error)) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

test("values are big-endian", () => {
  const reader = readerOf(1, 0x12, 0x34, 1, 2, 3, 0xff, 0, 0, 1, 0x80, 0, 0, 0, 0, 5, 0x34, 0x12);
  expect(reader.u8()).toBe(1);
  expect(reader.u16()).toBe(0x1234);
  expect(reader.u24()).toBe(0x010203);
  expect(reader.u32()).toBe(0xff000001);
  expect(reader.u48()).toBe(0x800000000005);
  expect(reader.u16LittleEndian()).toBe(0x1234);
  expect(reader.remaining).toBe(0);
  reader.expectEnd();
});

test("a read past the end names place, offset and what was wanted", () => {
  const reader = readerOf(1, 2, 3);
  reader.u8();
  const error = errorOf(() => reader.u32());
  expect(error.code).toBe("INDEX_CORRUPT");
  expect(error.message).toBe("index xn0_ab: u32: 4 bytes wanted, 2 left (at offset 1)");
  expect(error.details).toEqual({ where: "index xn0_ab", offset: 1 });
  expect(reader.u16()).toBe(0x0203);
});

test("seek, skip and bytes stay inside the input", () => {
  const reader = readerOf(1, 2, 3);
  reader.seek(2);
  expect([...reader.bytes(1)]).toEqual([3]);
  reader.seek(3);
  for (const offset of [-1, 4, 0.5, Number.NaN]) {
    expect(errorOf(() => reader.seek(offset)).code).toBe("INDEX_CORRUPT");
  }
  reader.seek(0);
  for (const length of [-1, 4, 1.5, Number.NaN, 2 ** 53]) {
    expect(errorOf(() => reader.bytes(length)).code).toBe("INDEX_CORRUPT");
    expect(errorOf(() => reader.skip(length)).code).toBe("INDEX_CORRUPT");
  }
  expect(errorOf(() => reader.expectEnd()).message).toContain("3 bytes after the end");
});

test("uvarint reads up to 2^53 - 1 and refuses more", () => {
  expect(readerOf(0x00).uvarint()).toBe(0);
  expect(readerOf(0xac, 0x02).uvarint()).toBe(300);
  const largest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
  expect(readerOf(...largest).uvarint()).toBe(Number.MAX_SAFE_INTEGER);
  const tooLarge = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
  expect(errorOf(() => readerOf(...tooLarge).uvarint()).message).toContain("exceeds 2^53");
  const tooLong = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00];
  expect(errorOf(() => readerOf(...tooLong).uvarint()).message).toContain("longer than 8 bytes");
  expect(errorOf(() => readerOf(0x80).uvarint()).code).toBe("INDEX_CORRUPT");
});

test("the writer refuses values that do not fit", () => {
  const writer = new ByteWriter(1);
  for (const write of [
    () => writer.u8(256),
    () => writer.u16(-1),
    () => writer.u24(2 ** 24),
    () => writer.u32(2 ** 32),
    () => writer.u48(2 ** 48),
    () => writer.u32(1.5),
    () => writer.uvarint(2 ** 53),
  ]) {
    expect(write).toThrow(RangeError);
  }
  expect(writer.length).toBe(0);
});

test("a writer can be used again: nothing of before shines through", () => {
  const writer = new ByteWriter(4).bytes(new Uint8Array([9, 9, 9, 9, 9]));
  writer.reset();
  expect([...writer.zeros(3).u16LittleEndian(0x1234).finish()]).toEqual([0, 0, 0, 0x34, 0x12]);
});
