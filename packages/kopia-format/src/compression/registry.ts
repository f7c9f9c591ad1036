import type { Compressor } from "./compressor.ts";
import { deflateCompressors } from "./deflate.ts";
import { zstdCompressors } from "./zstd.ts";

type Provider = "portable" | "fast";

const cache = new Map<Provider, readonly Compressor[]>();

/** Names of all compressors that policies can choose, sorted (spec 2 §3). */
export const COMPRESSOR_NAMES: readonly string[] = allCompressors("fast")
  .map((compressor) => compressor.name)
  .sort();

/**
 * The compressor of a name in policies, such as `zstd-fastest`; `undefined` for unknown names,
 * which the rest of Kopia takes for "no compression" (spec 2 §3).
 *
 * @param provider `fast` (the default) falls back to `portable` where there is no `node:zlib`.
 */
export function compressorByName(
  name: string,
  provider: Provider = "fast",
): Compressor | undefined {
  return allCompressors(provider).find((compressor) => compressor.name === name);
}

/** The compressor of a header ID, such as 0x1101 (spec 1 §5.2); `undefined` for unknown ones. */
export function compressorByHeaderId(
  headerId: number,
  provider: Provider = "fast",
): Compressor | undefined {
  return allCompressors(provider).find((compressor) => compressor.headerId === headerId);
}

function allCompressors(provider: Provider): readonly Compressor[] {
  let compressors = cache.get(provider);
  if (compressors === undefined) {
    compressors = [...zstdCompressors(provider), ...deflateCompressors(provider)];
    cache.set(provider, compressors);
  }
  return compressors;
}
