import { expect, test } from "vitest";
import { COMPRESSOR_NAMES } from "../compression/registry.ts";
import { ENCRYPTION_NAMES } from "../encryption/registry.ts";
import { HASH_NAMES } from "../hashing/registry.ts";
import { SPLITTER_NAMES } from "../splitter/registry.ts";
import type { KernelSpec } from "./kernel-spec.ts";
import { prepareKernel } from "./prepare-kernel.ts";

const blockBytes = 10_000;
const data = new Uint8Array(blockBytes).fill(7);

test("every algorithm has a kernel that runs and counts its bytes", async () => {
  const specs: KernelSpec[] = [
    ...HASH_NAMES.map((hash) => ({ kind: "hashing", hash, blockBytes }) as const),
    ...ENCRYPTION_NAMES.map(
      (encryption) => ({ kind: "encryption", encryption, blockBytes }) as const,
    ),
    { kind: "crypto", hash: "BLAKE2B-256-128", encryption: "AES256-GCM-HMAC-SHA256", blockBytes },
    { kind: "ecc", operation: "encode", overheadPercent: 2, blockBytes },
    { kind: "ecc", operation: "decode", overheadPercent: 20, blockBytes },
    ...COMPRESSOR_NAMES.flatMap((compressor) =>
      (["compress", "decompress"] as const).map(
        (operation) => ({ kind: "compression", operation, compressor, data }) as const,
      ),
    ),
  ];
  for (const spec of specs) {
    const kernel = await prepareKernel(spec);
    kernel.run();
    expect(kernel.passBytes).toBe(blockBytes);
  }
});

test("all contents of a made-up index are found, in few bytes each", async () => {
  const kernel = await prepareKernel({ kind: "index", contentCount: 10_000, blobCount: 7 });
  kernel.run();
  expect(kernel.passBytes).toBe(10_000);
  expect((kernel.outputBytes ?? Infinity) / 10_000).toBeLessThan(64);
});

test("segments of a splitter cover every block, and the seed decides them", async () => {
  for (const splitter of SPLITTER_NAMES) {
    const spec = {
      kind: "splitter",
      splitter,
      seed: 42,
      blockCount: 3,
      blockBytes: 600_001,
    } as const;
    const lengths = (await prepareKernel(spec)).segmentLengths?.() ?? [];
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(3 * 600_001);
    expect((await prepareKernel(spec)).segmentLengths?.()).toEqual(lengths);
  }
  const small = {
    kind: "splitter",
    splitter: "DYNAMIC-128K-BUZHASH",
    blockCount: 3,
    blockBytes: 600_001,
  } as const;
  const lengthsOf = async (seed: number): Promise<number[] | undefined> =>
    (await prepareKernel({ ...small, seed })).segmentLengths?.();
  expect(await lengthsOf(1)).not.toEqual(await lengthsOf(2));
});

test("names that are not known are refused", async () => {
  const unknown: KernelSpec[] = [
    { kind: "splitter", splitter: "NONE", seed: 1, blockCount: 1, blockBytes },
    { kind: "compression", operation: "compress", compressor: "lz4", data },
    { kind: "hashing", hash: "MD5", blockBytes },
  ];
  for (const spec of unknown) {
    await expect(prepareKernel(spec)).rejects.toMatchObject({ code: "ALGORITHM_UNKNOWN" });
  }
});
