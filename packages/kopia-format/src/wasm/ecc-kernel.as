// AssemblyScript: the two passes of error correction over whole blocks of shards (spec 1 §11.2, §11.3).
// The plain TypeScript twin in ../ecc/portable-shards.ts is the specification; build-kernels.ts compiles
// this file. A unit is a shard behind the CRC-32 of its bytes.
//
// A product in GF(2^8) is the sum of the products of its two nibbles: with tables of 16 bytes, one for the
// low and one for the high nibble, a vector shuffle multiplies 16 bytes at once. Indexes are below 16, for
// which the relaxed shuffle is defined alike everywhere.

// Where the caller puts the tables; as constants they become offsets of the load instructions.
const CRC_TABLES: u32 = 0x0400; // 8 × 256 × u32
const NIBBLES: u32 = 0x2400; // 256 × (16 low products, 16 high products)
const MATRIX: u32 = 0x4400; // rows of the parity shards, an even number of them
const ROWS: u32 = 0x8400; // parity shards of one block, each padded to whole tiles
const CRC_BYTES: u32 = 4;
const TILE: u32 = 32;

@inline
function table(slice: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + slice * 1024 + (byte << 2));
}

/** Copies `length` bytes and gives their CRC-32. */
function copyWithCrc(from: u32, to: u32, length: u32): u32 {
  let crc: u32 = 0xffffffff;
  const end = from + length;
  while (from + 8 <= end) {
    const both = load<u64>(from);
    store<u64>(to, both);
    const low = <u32>both ^ crc;
    const high = <u32>(both >> 32);
    crc = table(7, low & 255) ^ table(6, (low >> 8) & 255) ^ table(5, (low >> 16) & 255) ^ table(4, low >> 24)
      ^ table(3, high & 255) ^ table(2, (high >> 8) & 255) ^ table(1, (high >> 16) & 255) ^ table(0, high >> 24);
    from += 8;
    to += 8;
  }
  while (from < end) {
    const byte = load<u8>(from++);
    store<u8>(to++, byte);
    crc = (crc >> 8) ^ table(0, (crc ^ byte) & 255);
  }
  return ~crc;
}

@inline
function times(nibbles: u32, low: v128, high: v128): v128 {
  return v128.xor(
    i8x16.relaxed_swizzle(v128.load(nibbles, NIBBLES), low),
    i8x16.relaxed_swizzle(v128.load(nibbles, NIBBLES + 16), high),
  );
}

/** One tile of four parity shards. */
function fourRows(data: u32, count: u32, step: u32, matrix: u32, to: u32, stride: u32): void {
  const nibble = i8x16.splat(15);
  let a0 = i8x16.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0;
  for (const end = matrix + count; matrix < end; matrix++) {
    const v0 = v128.load(data);
    const v1 = v128.load(data, 16);
    const low0 = v128.and(v0, nibble);
    const low1 = v128.and(v1, nibble);
    const high0 = v128.and(i16x8.shr_u(v0, 4), nibble);
    const high1 = v128.and(i16x8.shr_u(v1, 4), nibble);
    let at = <u32>load<u8>(matrix) << 5;
    a0 = v128.xor(a0, times(at, low0, high0));
    a1 = v128.xor(a1, times(at, low1, high1));
    at = <u32>load<u8>(matrix + count) << 5;
    b0 = v128.xor(b0, times(at, low0, high0));
    b1 = v128.xor(b1, times(at, low1, high1));
    at = <u32>load<u8>(matrix + 2 * count) << 5;
    c0 = v128.xor(c0, times(at, low0, high0));
    c1 = v128.xor(c1, times(at, low1, high1));
    at = <u32>load<u8>(matrix + 3 * count) << 5;
    d0 = v128.xor(d0, times(at, low0, high0));
    d1 = v128.xor(d1, times(at, low1, high1));
    data += step;
  }
  v128.store(to, a0);
  v128.store(to, a1, 16);
  v128.store(to + stride, b0);
  v128.store(to + stride, b1, 16);
  v128.store(to + 2 * stride, c0);
  v128.store(to + 2 * stride, c1, 16);
  v128.store(to + 3 * stride, d0);
  v128.store(to + 3 * stride, d1, 16);
}

/** One tile of two parity shards. */
function twoRows(data: u32, count: u32, step: u32, matrix: u32, to: u32, stride: u32): void {
  const nibble = i8x16.splat(15);
  let a0 = i8x16.splat(0), a1 = a0, b0 = a0, b1 = a0;
  for (const end = matrix + count; matrix < end; matrix++) {
    const v0 = v128.load(data);
    const v1 = v128.load(data, 16);
    const low0 = v128.and(v0, nibble);
    const low1 = v128.and(v1, nibble);
    const high0 = v128.and(i16x8.shr_u(v0, 4), nibble);
    const high1 = v128.and(i16x8.shr_u(v1, 4), nibble);
    let at = <u32>load<u8>(matrix) << 5;
    a0 = v128.xor(a0, times(at, low0, high0));
    a1 = v128.xor(a1, times(at, low1, high1));
    at = <u32>load<u8>(matrix + count) << 5;
    b0 = v128.xor(b0, times(at, low0, high0));
    b1 = v128.xor(b1, times(at, low1, high1));
    data += step;
  }
  v128.store(to, a0);
  v128.store(to, a1, 16);
  v128.store(to + stride, b0);
  v128.store(to + stride, b1, 16);
}

/**
 * Parity shards of one block, at `ROWS`, `stride` bytes apart. Tiles may reach beyond the end of a shard:
 * what they compute there is never looked at.
 */
function parityOfBlock(data: u32, count: u32, rows: u32, shardBytes: u32, stride: u32): void {
  for (let column: u32 = 0; column < shardBytes; column += TILE) {
    let row: u32 = 0;
    for (; row + 4 <= rows; row += 4)
      fourRows(data + column, count, shardBytes, MATRIX + row * count, ROWS + row * stride + column, stride);
    if (row < rows)
      twoRows(data + column, count, shardBytes, MATRIX + row * count, ROWS + row * stride + column, stride);
  }
}

/** Units of parity shards at `to`, of blocks of data shards at `data`, which needs 32 readable bytes behind it. */
export function parity(data: u32, blocks: u32, count: u32, parityCount: u32, shardBytes: u32, to: u32): void {
  const stride = (shardBytes + TILE - 1) & ~(TILE - 1);
  const rows = (parityCount + 1) & ~1;
  for (let block: u32 = 0; block < blocks; block++) {
    parityOfBlock(data, count, rows, shardBytes, stride);
    for (let row: u32 = 0; row < parityCount; row++) {
      store<u32>(to, bswap(copyWithCrc(ROWS + row * stride, to + CRC_BYTES, shardBytes)));
      to += CRC_BYTES + shardBytes;
    }
    data += count * shardBytes;
  }
}

/** Puts its CRC before each shard. */
export function wrap(data: u32, shards: u32, shardBytes: u32, to: u32): void {
  for (let shard: u32 = 0; shard < shards; shard++) {
    store<u32>(to, bswap(copyWithCrc(data, to + CRC_BYTES, shardBytes)));
    data += shardBytes;
    to += CRC_BYTES + shardBytes;
  }
}

/** Takes the CRC off each unit; a byte of `good` is 1 where it was right. Gives how many were wrong. */
export function unwrap(units: u32, shards: u32, shardBytes: u32, to: u32, good: u32): u32 {
  let wrong: u32 = 0;
  for (let shard: u32 = 0; shard < shards; shard++) {
    const right = bswap(load<u32>(units)) == copyWithCrc(units + CRC_BYTES, to, shardBytes);
    store<u8>(good + shard, <u8>right);
    if (!right) wrong++;
    units += CRC_BYTES + shardBytes;
    to += shardBytes;
  }
  return wrong;
}
