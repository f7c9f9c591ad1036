import { expect, test } from "vitest";
import { releaseBytes, releasePassingBytes } from "./release-bytes.ts";

test("the memory of long bytes is given back, whatever shares it", () => {
  const bytes = new Uint8Array(2 ** 18);
  const part = bytes.subarray(5, 10);
  releaseBytes(part);
  expect([bytes.length, part.length]).toEqual([0, 0]);
});

test("short bytes stay as they are", () => {
  const bytes = new Uint8Array(2 ** 18 - 1);
  releaseBytes(bytes);
  expect(bytes.length).toBe(2 ** 18 - 1);
});

test("passing bytes are given back from 4 KiB on, unless others may share their memory", () => {
  const [long, short, pool] = [4096, 4095, 2 ** 14].map((length) => new Uint8Array(length));
  for (const bytes of [long, short, pool?.subarray(0, 8192)]) {
    if (bytes !== undefined) releasePassingBytes(bytes);
  }
  expect([long?.length, short?.length, pool?.length]).toEqual([0, 4095, 2 ** 14]);
});
