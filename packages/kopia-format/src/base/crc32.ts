import { crcOf, makeCrcTables } from "./crc-tables.ts";

/** Tables of CRC-32 (IEEE), also for the compiled kernels. */
export const CRC32_TABLES = makeCrcTables(0xedb88320);

/**
 * CRC-32 (IEEE) of bytes, as an unsigned 32-bit number. Pass the previous result to continue over
 * several pieces (spec 1 §6.4).
 */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return crcOf(CRC32_TABLES, bytes, previous);
}
