import type { Bytes } from "../base/bytes.ts";

/**
 * One compression algorithm (spec 1 §5, spec 2 §3). Works on the algorithm's own stream; the
 * 4-byte header in front of it is added and checked by the content layer.
 */
export interface Compressor {
  /** Name in policies, such as `zstd-fastest`. */
  readonly name: string;
  /** ID in index entries and in the 4-byte header, such as 0x1101. */
  readonly headerId: number;
  readonly provider: "portable" | "fast";
  compress(data: Uint8Array): Bytes;
  /**
   * As `compress`, but into memory of the caller: the same stream, placed at `offsetBytes` of `output`.
   * @returns its length; `undefined` when the output has too little room or this cannot be done: then
   *   `compress` must be asked, and what the output holds has no meaning.
   */
  compressInto?(data: Uint8Array, output: Uint8Array, offsetBytes: number): number | undefined;
  /**
   * @param maxLengthBytes refuses to unpack to more than this.
   * @throws KopiaError `COMPRESSION_CORRUPT`, `COMPRESSION_LIMIT`.
   */
  decompress(data: Uint8Array, maxLengthBytes: number): Bytes;
}
