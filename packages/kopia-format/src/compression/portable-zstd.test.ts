import { expect, test } from "vitest";
import { compressorByName } from "./registry.ts";
import { loadPortableZstdEncoder } from "./load-portable-zstd-encoder.ts";

test("the portable zstd writes once its encoder is loaded, and says so before", async () => {
  const zstd = compressorByName("zstd-best-compression", "portable")!;
  const data = new Uint8Array(3_000_000).map((_, i) => (i * i) & 63);
  expect(() => zstd.compress(data)).toThrow(/loadPortableZstdEncoder/);
  await loadPortableZstdEncoder();
  await loadPortableZstdEncoder();
  // Longer than one frame of this encoder.
  const packed = zstd.compress(data);
  expect(packed.length).toBeLessThan(data.length);
  for (const provider of ["portable", "fast"] as const) {
    const reader = compressorByName("zstd", provider)!;
    expect(Buffer.compare(reader.decompress(packed, data.length), data)).toBe(0);
  }
});
