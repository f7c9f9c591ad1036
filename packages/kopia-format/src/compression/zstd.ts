import { nodeBuiltin } from "../base/node-builtin.ts";
import type { Compressor } from "./compressor.ts";
import { nodeZstdCompressor } from "./node-zstd.ts";
import { portableZstdCompressor } from "./portable-zstd.ts";
import { ZSTD_LEVELS } from "./zstd-levels.ts";

/** The zstd compressors (spec 2 §3). */
export function zstdCompressors(provider: "portable" | "fast"): readonly Compressor[] {
  const zlib = provider === "fast" ? nodeBuiltin("node:zlib") : undefined;
  // Node before 22.15 has no zstd.
  const usable = typeof zlib?.zstdCompressSync === "function" ? zlib : undefined;
  return ZSTD_LEVELS.map((level) =>
    usable === undefined ? portableZstdCompressor(level) : nodeZstdCompressor(usable, level),
  );
}
