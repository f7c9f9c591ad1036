import {
  COMPRESSOR_NAMES,
  DEFAULT_ENCRYPTION,
  DEFAULT_HASH,
  ENCRYPTION_NAMES,
  HASH_NAMES,
  SPLITTER_NAMES,
} from "@kopia-engine/kopia-format";
import { prepareKernel, type Kernel, type KernelSpec } from "@kopia-engine/kopia-format/benchmark";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { kopiaFigures } from "./kopia-kernels.ts";

/** What to measure, and how long for. */
export interface KernelOptions {
  /** Shortest time spent on one row; the best pass of it counts. */
  readonly minMs: number;
  /** The real program, for its figures beside ours; without it ours stand alone. */
  readonly kopiaExe: string | undefined;
  /** Rows whose name holds this text; all when empty. */
  readonly filter: string;
}

/** One measured kernel. */
export interface KernelRow {
  readonly kind: string;
  readonly name: string;
  /** Lookups a second, of indexes. */
  readonly bytesPerSecond: number;
  /** Output over input, of compressors and error correction; bytes a content, of indexes. */
  readonly ratio?: number;
  /** The real program's figure for the same work, from its own `benchmark` commands. */
  readonly kopiaBytesPerSecond?: number;
}

// The shapes of the real program's `benchmark` commands: blocks of 1 MiB of zeros for hashes and ciphers, of 10 MiB
// for error correction, random bytes for splitters, one file in memory for compressors. Small ones are ours.
const BLOCK_BYTES = 2 ** 20;
const ECC_BLOCK_BYTES = 10 * 2 ** 20;
const SMALL_BYTES = 1000;
const SPLITTER_BYTES = 2 ** 25;
const CORPUS_BYTES = 2 ** 23;

interface NamedKernel {
  readonly kind: string;
  readonly name: string;
  readonly spec: KernelSpec;
}

/** Measures every kernel on one core and hands each row on as it is ready. */
export async function runKernels(
  options: KernelOptions,
  onRow: (row: KernelRow) => void,
): Promise<void> {
  const corpus = compressionCorpus(CORPUS_BYTES);
  const kopia = options.kopiaExe === undefined ? new Map() : kopiaFigures(options.kopiaExe, corpus);
  for (const { kind, name, spec } of allKernels(corpus)) {
    if (!`${kind} ${name}`.includes(options.filter)) continue;
    const kernel = await prepareKernel(spec);
    const bytesPerSecond = bestThroughput(kernel, options.minMs);
    const theirs = kopia.get(`${kind} ${name}`) as number | undefined;
    const { outputBytes } = kernel;
    onRow({
      kind,
      name,
      bytesPerSecond,
      ...(outputBytes === undefined ? {} : { ratio: outputBytes / kernel.passBytes }),
      ...(theirs === undefined ? {} : { kopiaBytesPerSecond: theirs }),
    });
  }
}

/** The corpus of the compressors: text-like and binary-like parts with repeats near and far. */
export function compressionCorpus(lengthBytes: number): Uint8Array {
  const corpus = seededBytes(5, lengthBytes).map((byte) => 97 + (byte & 15));
  const noise = seededBytes(6, lengthBytes);
  for (let offset = 4096; offset + 64 <= lengthBytes; offset += 96) {
    const back = 1 + (((noise[offset]! << 8) | noise[offset + 1]!) % Math.min(offset, 65_000));
    corpus.copyWithin(offset, offset - back, offset - back + 20 + (noise[offset + 2]! & 31));
  }
  return corpus;
}

function bestThroughput(kernel: Kernel, minMs: number): number {
  let bestMs = Infinity;
  const end = performance.now() + minMs;
  const passes = Math.max(1, Math.round(BLOCK_BYTES / kernel.passBytes));
  do {
    const start = performance.now();
    for (let i = 0; i < passes; i++) kernel.run();
    bestMs = Math.min(bestMs, (performance.now() - start) / passes);
  } while (performance.now() < end);
  return (kernel.passBytes / bestMs) * 1000;
}

function* allKernels(corpus: Uint8Array): Generator<NamedKernel> {
  yield* cryptoKernels();
  for (const splitter of SPLITTER_NAMES) {
    const spec = { kind: "splitter", splitter, seed: 42, blockCount: 1 } as const;
    yield { kind: "splitter", name: splitter, spec: { ...spec, blockBytes: SPLITTER_BYTES } };
  }
  for (const compressor of COMPRESSOR_NAMES) {
    for (const operation of ["compress", "decompress"] as const) {
      const spec = { kind: "compression", operation, compressor } as const;
      const small = corpus.subarray(5000, 5000 + SMALL_BYTES);
      yield { kind: operation, name: compressor, spec: { ...spec, data: corpus } };
      const name = `${compressor} of ${SMALL_BYTES} B`;
      yield { kind: operation, name, spec: { ...spec, data: small } };
    }
  }
  for (const overheadPercent of [1, 2, 5, 10, 20]) {
    for (const operation of ["encode", "decode"] as const) {
      const name = `REED-SOLOMON-CRC32 - ${overheadPercent}%`;
      const spec = {
        kind: "ecc",
        operation,
        overheadPercent,
        blockBytes: ECC_BLOCK_BYTES,
      } as const;
      yield { kind: `ecc ${operation}`, name, spec };
    }
  }
  for (const [contentCount, blobCount] of [
    [100_000, 1],
    [100_000, 100],
    [1_000_000, 10],
  ] as const) {
    const name = `${contentCount} contents in ${blobCount} blobs`;
    yield { kind: "index", name, spec: { kind: "index", contentCount, blobCount } };
  }
}

function* cryptoKernels(): Generator<NamedKernel> {
  for (const hash of HASH_NAMES) {
    const spec = { kind: "hashing", hash } as const;
    yield { kind: "hash", name: hash, spec: { ...spec, blockBytes: BLOCK_BYTES } };
    if (hash !== DEFAULT_HASH) continue;
    const name = `${hash} of ${SMALL_BYTES} B`;
    yield { kind: "hash", name, spec: { ...spec, blockBytes: SMALL_BYTES } };
  }
  for (const encryption of ENCRYPTION_NAMES) {
    const spec = { kind: "encryption", encryption } as const;
    yield { kind: "cipher", name: encryption, spec: { ...spec, blockBytes: BLOCK_BYTES } };
    if (encryption !== DEFAULT_ENCRYPTION) continue;
    const name = `${encryption} of ${SMALL_BYTES} B`;
    yield { kind: "cipher", name, spec: { ...spec, blockBytes: SMALL_BYTES } };
  }
  for (const hash of HASH_NAMES)
    for (const encryption of ENCRYPTION_NAMES) {
      const spec = { kind: "crypto", hash, encryption, blockBytes: BLOCK_BYTES } as const;
      yield { kind: "crypto", name: `${hash} ${encryption}`, spec };
    }
}
