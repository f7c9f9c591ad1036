// AssemblyScript: blocks of S2 and CRC-32C (spec 1 §5.2 and its addition). The plain TypeScript in
// ../compression/ (s2-block.ts, s2-pack.ts, crc32c.ts) is the specification; build-kernels.ts
// compiles this file.
//
// The caller fills the CRC tables and chooses where input and output lie, above 0x24000. Both need 16 bytes of room behind them, since short copies are made 16 bytes at a time.

const CRC_TABLES: u32 = 0x0400; // 8 × 256 × u32
const MATCH_TABLE: u32 = 0x4000; // 2^15 × u32, positions + 1
const MATCH_TABLE_BYTES: u32 = 0x20000;
const HASH_SHIFT: u64 = 49;
const HASH_FACTOR: u64 = 0x9e3779b185ebca87;
const TAIL: u32 = 16;

@inline
function crcTable(slice: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + (slice << 10) + (byte << 2));
}

/** CRC-32C of memory. */
export function crc32c(from: u32, length: u32): u32 {
  let crc: u32 = 0xffffffff;
  const end = from + length;
  let p = from;
  while (p + 8 <= end) {
    const word = load<u64>(p) ^ <u64>crc;
    const low = <u32>word;
    const high = <u32>(word >> 32);
    crc = crcTable(7, low & 255) ^ crcTable(6, (low >> 8) & 255)
      ^ crcTable(5, (low >> 16) & 255) ^ crcTable(4, low >> 24)
      ^ crcTable(3, high & 255) ^ crcTable(2, (high >> 8) & 255)
      ^ crcTable(1, (high >> 16) & 255) ^ crcTable(0, high >> 24);
    p += 8;
  }
  while (p < end) crc = (crc >> 8) ^ crcTable(0, (crc ^ <u32>load<u8>(p++)) & 255);
  return ~crc;
}

/** Copies at least `length` bytes, 16 at a time. The ranges must be 16 bytes apart or not overlap. */
@inline
function copyShort(to: u32, from: u32, length: u32): void {
  v128.store(to, v128.load(from));
  for (let done: u32 = 16; done < length; done += 16) {
    v128.store(to + done, v128.load(from + done));
  }
}

@inline
function littleEndian(p: u32, count: u32): u32 {
  let value: u32 = 0;
  for (let i: u32 = 0; i < count; i++) value |= <u32>load<u8>(p + i) << (8 * i);
  return value;
}

/**
 * Unpacks elements in from..end into exactly to..outputEnd. Gives 0, or 1 when they are corrupt.
 */
export function unpackBlock(from: u32, end: u32, to: u32, outputEnd: u32): u32 {
  const start = to;
  let copyOffset: u32 = 0;
  while (from < end) {
    const tag = <u32>load<u8>(from++);
    const kind = tag & 3;
    let length = (tag >> 2) + 1;
    if (kind == 0) {
      if (length > 60) {
        const extra = length - 60;
        if (extra > end - from) return 1;
        length = littleEndian(from, extra) + 1;
        from += extra;
        // Four bytes of ones would have become 0.
        if (length == 0) return 1;
      }
      if (length > end - from || length > outputEnd - to) return 1;
      if (length <= 64) copyShort(to, from, length);
      else memory.copy(to, from, length);
      from += length;
      to += length;
      continue;
    }
    if (kind == 1) {
      if (from == end) return 1;
      const offset = ((tag >> 5) << 8) | <u32>load<u8>(from++);
      length = ((tag >> 2) & 7) + 4;
      if (offset != 0) copyOffset = offset;
      else if (length > 8) {
        const extra = length - 8;
        if (extra > end - from) return 1;
        length = littleEndian(from, extra) + (extra == 1 ? 8 : extra == 2 ? 260 : 65540);
        from += extra;
      }
    } else {
      const extra: u32 = kind == 2 ? 2 : 4;
      if (extra > end - from) return 1;
      copyOffset = kind == 2 ? <u32>load<u16>(from) : load<u32>(from);
      from += extra;
    }
    if (copyOffset == 0 || copyOffset > to - start || length > outputEnd - to) return 1;
    copyBack(to, copyOffset, length);
    to += length;
  }
  return to == outputEnd ? 0 : 1;
}

@inline
function copyBack(to: u32, offset: u32, length: u32): void {
  const from = to - offset;
  if (offset >= 16) {
    copyShort(to, from, length);
  } else if (offset == 1) {
    memory.fill(to, load<u8>(from), length);
  } else {
    // Bytes just written are read again.
    for (let i: u32 = 0; i < length; i++) store<u8>(to + i, load<u8>(from + i));
  }
}

@inline
function hashAt(p: u32): u32 {
  // Of six bytes: shorter matches do not pay when their offset takes four bytes.
  return (<u32>(((load<u64>(p) << 16) * HASH_FACTOR) >> HASH_SHIFT)) << 2;
}

/** Packs from..from+length; gives the number of bytes written at `output`, the block's length first. */
export function packBlock(from: u32, length: u32, output: u32): u32 {
  const end = from + length;
  let to = output;
  let rest = length;
  while (rest >= 128) {
    store<u8>(to++, rest | 128);
    rest >>= 7;
  }
  store<u8>(to++, rest);
  let literalStart = from;
  if (length > 2 * TAIL) {
    memory.fill(MATCH_TABLE, 0, MATCH_TABLE_BYTES);
    const lastStart = end - TAIL;
    let p = from + 1;
    let misses: u32 = 32;
    while (p < lastStart) {
      const slot = hashAt(p);
      let candidate = load<u32>(slot, MATCH_TABLE);
      store<u32>(slot, p, MATCH_TABLE);
      // Table entries are of six bytes, and far copies of five: four equal ones are not enough there.
      const near = p - candidate < 0x10000;
      if (candidate == 0 || load<u32>(candidate) != load<u32>(p) || !(near || load<u16>(candidate + 4) == load<u16>(p + 4))) {
        p += misses++ >> 5;
        continue;
      }
      // Bytes before may be equal too.
      let start = p;
      while (start > literalStart && candidate > from && load<u8>(start - 1) == load<u8>(candidate - 1)) {
        start--;
        candidate--;
      }
      const offset = start - candidate;
      p = matchEnd(p + 4, p + 4 - offset, end);
      to = writeLiteral(literalStart, start - literalStart, to);
      to = writeCopy(offset, p - start, to);
      literalStart = p;
      misses = 32;
      if (p < lastStart) store<u32>(hashAt(p - 2), p - 2, MATCH_TABLE);
    }
  }
  return writeLiteral(literalStart, end - literalStart, to) - output;
}

@inline
function matchEnd(p: u32, other: u32, end: u32): u32 {
  while (p + 8 <= end) {
    const difference = load<u64>(p) ^ load<u64>(other);
    if (difference != 0) return p + (<u32>ctz(difference) >> 3);
    p += 8;
    other += 8;
  }
  while (p < end && load<u8>(p) == load<u8>(other)) {
    p++;
    other++;
  }
  return p;
}

@inline
function writeLiteral(from: u32, length: u32, to: u32): u32 {
  if (length == 0) return to;
  const last = length - 1;
  if (last < 60) {
    store<u8>(to++, last << 2);
  } else {
    const extra: u32 = last < 0x100 ? 1 : last < 0x10000 ? 2 : 3;
    store<u8>(to, (59 + extra) << 2);
    store<u32>(to + 1, last);
    to += 1 + extra;
  }
  if (length <= 64) copyShort(to, from, length);
  else memory.copy(to, from, length);
  return to + length;
}

@inline
function writeCopy(offset: u32, length: u32, to: u32): u32 {
  // The longest part that one copy holds; what is left is a repeat of the same offset, at least 4.
  let first = length;
  if (length > 64) first = length >= 68 ? 64 : 60;
  if (offset < 2048 && first >= 4 && first <= 11) {
    store<u8>(to, ((offset >> 8) << 5) | ((first - 4) << 2) | 1);
    store<u8>(to + 1, offset);
    to += 2;
  } else if (offset < 65536) {
    store<u8>(to, ((first - 1) << 2) | 2);
    store<u16>(to + 1, offset);
    to += 3;
  } else {
    store<u8>(to, ((first - 1) << 2) | 3);
    store<u32>(to + 1, offset);
    to += 5;
  }
  const rest = length - first;
  return rest == 0 ? to : writeRepeat(rest, to);
}

@inline
function writeRepeat(length: u32, to: u32): u32 {
  if (length <= 8) {
    store<u8>(to, ((length - 4) << 2) | 1);
    store<u8>(to + 1, 0);
    return to + 2;
  }
  if (length < 264) {
    store<u8>(to, (5 << 2) | 1);
    store<u8>(to + 1, 0);
    store<u8>(to + 2, length - 8);
    return to + 3;
  }
  if (length < 65796) {
    store<u8>(to, (6 << 2) | 1);
    store<u8>(to + 1, 0);
    store<u16>(to + 2, length - 260);
    return to + 4;
  }
  store<u8>(to, (7 << 2) | 1);
  store<u8>(to + 1, 0);
  store<u32>(to + 2, length - 65540);
  return to + 5;
}
