import { crcOf, makeCrcTables } from "../base/crc-tables.ts";

// Of S2 and Snappy framing (spec 1 §5.2, addition).
const MASK_DELTA = 0xa282ead8;

/** Tables of CRC-32C (Castagnoli), also for the compiled kernel. */
export const CRC32C_TABLES = makeCrcTables(0x82f63b78);

/** CRC-32C (Castagnoli) of bytes, as an unsigned number. */
export function crc32c(bytes: Uint8Array): number {
  return crcOf(CRC32C_TABLES, bytes);
}

/** The form in which Snappy and S2 framing store a CRC-32C. */
export function maskCrc32c(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
