import { expect, test } from "vitest";
import { releaseBytes } from "./release-bytes.ts";

test("the memory of long bytes is given back, whatever shares it", () => {
  const bytes = new Uint8Array(2 ** 18);
  const part = bytes.subarray(5, 10);
  releaseBytes(part);
  expect([bytes.length, part.length]).toEqual([0, 0]);
});

test("shorter bytes are given back from 4 KiB on, unless others may share their memory", () => {
  const [long, short] = [4096, 4095].map((length) => new Uint8Array(length));
  const pool = new Uint8Array(2 ** 18 - 1);
  for (const bytes of [long, short, pool.subarray(0, 8192)]) {
    if (bytes !== undefined) releaseBytes(bytes);
  }
  expect([long?.length, short?.length, pool.length]).toEqual([0, 4095, 2 ** 18 - 1]);
});
