import { nodeBuiltin } from "../base/node-builtin.ts";
import type { Compressor } from "./compressor.ts";
import { DEFLATE_VARIANTS } from "./deflate-variants.ts";
import { nodeDeflateCompressor } from "./node-deflate.ts";
import { portableDeflateCompressor } from "./portable-deflate.ts";

/** The gzip, pgzip and deflate compressors (spec 2 §3). */
export function deflateCompressors(provider: "portable" | "fast"): readonly Compressor[] {
  const zlib = provider === "fast" ? nodeBuiltin("node:zlib") : undefined;
  return DEFLATE_VARIANTS.map((variant) =>
    zlib === undefined ? portableDeflateCompressor(variant) : nodeDeflateCompressor(zlib, variant),
  );
}
