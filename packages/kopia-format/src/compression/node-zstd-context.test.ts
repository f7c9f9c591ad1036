import * as zlib from "node:zlib";
import { expect, test } from "vitest";
import { compressorByName } from "./registry.ts";
import { nodeZstdCompressor } from "./node-zstd.ts";
import { MAX_REUSED_OUTPUT_BYTES, reusableContext } from "./node-zstd-context.ts";
import { ZSTD_LEVELS } from "./zstd-levels.ts";

type Stream = Parameters<typeof reusableContext>[0];

/** A stream as Node makes it, with another object behind it. */
function streamWith(handle: object | null, left: readonly number[]): Stream {
  const _writeState = Uint32Array.from(left);
  return {
    _handle: handle,
    _writeState,
    destroyed: false,
    on: () => undefined,
  } as unknown as Stream;
}

test("a stream without the undocumented object is declined", () => {
  expect(reusableContext(streamWith(null, [1, 0]), 0)).toBeUndefined();
  expect(reusableContext({ _handle: { writeSync() {} } } as unknown as Stream, 0)).toBeUndefined();
});

const failing = {
  writeSync() {
    throw new Error("not like this");
  },
};
test.each([
  ["throws", failing, [1, 0]],
  ["leaves input", { writeSync() {} }, [1, 1]],
  ["fills the output", { writeSync() {} }, [0, 0]],
])("an object that %s is asked once and never again", (_what, handle, left) => {
  let calls = 0;
  const counting = {
    writeSync: () => {
      calls++;
      handle.writeSync();
    },
  };
  const context = reusableContext(streamWith(counting, left), 0);
  for (let round = 0; round < 3; round++)
    expect(context?.run(new Uint8Array(5), 100)).toBeUndefined();
  expect(calls).toBe(1);
});

test("large outputs are left to the documented call", () => {
  const context = reusableContext(streamWith({ writeSync() {} }, [10, 0]), 0);
  expect(context?.run(new Uint8Array(5), MAX_REUSED_OUTPUT_BYTES)).toBeUndefined();
});

test("without the object, and with one that writes nonsense, the documented call compresses", () => {
  const data = new Uint8Array(5000).fill(3, 100);
  const reader = compressorByName("zstd");
  for (const stream of [streamWith(null, [1, 0]), streamWith({ writeSync() {} }, [10, 0])]) {
    const other = { ...zlib, createZstdCompress: () => stream };
    for (const level of ZSTD_LEVELS) {
      const compressor = nodeZstdCompressor(other, level);
      for (const input of [data, new Uint8Array(300_000).fill(1)]) {
        const packed = compressor.compress(input);
        expect(Buffer.compare(reader?.decompress(packed, input.length) ?? packed, input)).toBe(0);
        expect(compressor.compressInto?.(input, new Uint8Array(10), 0)).toBeUndefined();
      }
    }
  }
});
