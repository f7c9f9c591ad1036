import { nodeBuiltin } from "../base/node-builtin.ts";
import type { Compressor } from "./compressor.ts";
import { nodeZstdCodec } from "./node-zstd.ts";
import { ZSTD_LEVELS } from "./zstd-levels.ts";

/** The zstd compressors (spec 2 §3). */
export function zstdCompressors(_provider: "portable" | "fast"): readonly Compressor[] {
  const zlib = nodeBuiltin("node:zlib");
  if (zlib === undefined) return [];
  return ZSTD_LEVELS.map((level) => nodeZstdCodec(zlib, level));
}
