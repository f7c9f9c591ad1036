import type { Compressor } from "./compressor.ts";

/** Placeholder until the family is filled in. */
export function deflateCompressors(_provider: "portable" | "fast"): readonly Compressor[] {
  return [];
}
