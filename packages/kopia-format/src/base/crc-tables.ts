const SLICES = 8;

/**
 * Tables of a reflected 32-bit CRC for eight bytes at a time: table k gives what a byte contributes that is
 * followed by k more bytes of the same slice.
 */
export type CrcTables = readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** The tables of a reflected polynomial. */
export function makeCrcTables(polynomial: number): CrcTables {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    first[byte] = crc;
  }
  const tables = [first];
  for (let slice = 1; slice < SLICES; slice++) {
    const previous = tables[slice - 1] as Int32Array;
    tables.push(previous.map((crc) => (crc >>> 8) ^ (first[crc & 255] as number)));
  }
  return tables as unknown as CrcTables;
}

/** The CRC of bytes, as an unsigned number; `previous` continues over several pieces. */
export function crcOf(tables: CrcTables, bytes: Uint8Array, previous = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let crc = ~previous;
  let i = 0;
  for (const last = bytes.length - SLICES; i <= last; i += SLICES) {
    const low = crc ^ littleEndian32(bytes, i);
    crc =
      (t7[low & 255] as number) ^
      (t6[(low >>> 8) & 255] as number) ^
      (t5[(low >>> 16) & 255] as number) ^
      (t4[low >>> 24] as number) ^
      (t3[bytes[i + 4] as number] as number) ^
      (t2[bytes[i + 5] as number] as number) ^
      (t1[bytes[i + 6] as number] as number) ^
      (t0[bytes[i + 7] as number] as number);
  }
  for (; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (t0[(crc ^ (bytes[i] as number)) & 255] as number);
  }
  return ~crc >>> 0;
}

function littleEndian32(bytes: Uint8Array, offset: number): number {
  return (
    (bytes[offset] as number) |
    ((bytes[offset + 1] as number) << 8) |
    ((bytes[offset + 2] as number) << 16) |
    ((bytes[offset + 3] as number) << 24)
  );
}
