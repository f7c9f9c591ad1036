import type { Compressor } from "./compressor.ts";
import { deflateCompressors } from "./deflate.ts";
import { lz4Compressor } from "./lz4.ts";
import { s2Compressors } from "./s2.ts";
import { zstdCompressors } from "./zstd.ts";

type Provider = "portable" | "fast";

const cache = new Map<Provider, readonly Compressor[]>();

/** Names of all compressors that can be written, sorted (spec 2 §3). */
export const COMPRESSOR_NAMES: readonly string[] = writableCompressors("fast")
  .map((compressor) => compressor.name)
  .sort();

/** Compressor of earlier versions: read everywhere, written by those who ask for it explicitly only. */
export const LZ4_COMPRESSOR_NAME: string = lz4Compressor.name;

/**
 * The compressor of a name in policies, such as `zstd-fastest`. `undefined` for unknown names and
 * for `lz4`, which Kopia 0.23 cannot read: their data is to be stored uncompressed (spec 2 §3).
 *
 * @param provider `fast` (the default) falls back to `portable` where there is no `node:zlib`.
 */
export function compressorByName(
  name: string,
  provider: Provider = "fast",
): Compressor | undefined {
  return writableCompressors(provider).find((compressor) => compressor.name === name);
}

/** The compressor of a header ID, such as 0x1101 (spec 1 §5.2), `lz4` included; `undefined` for unknown ones. */
export function compressorByHeaderId(
  headerId: number,
  provider: Provider = "fast",
): Compressor | undefined {
  const writable = writableCompressors(provider).find((other) => other.headerId === headerId);
  if (writable !== undefined) return writable;
  return lz4Compressor.headerId === headerId ? lz4Compressor : undefined;
}

function writableCompressors(provider: Provider): readonly Compressor[] {
  let compressors = cache.get(provider);
  if (compressors === undefined) {
    compressors = [
      ...zstdCompressors(provider),
      ...s2Compressors(provider),
      ...deflateCompressors(provider),
    ];
    cache.set(provider, compressors);
  }
  return compressors;
}
