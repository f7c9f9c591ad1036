// AssemblyScript: BLAKE2b (RFC 7693) of many messages, two at a time in the two halves of 128-bit registers. One
// message waits for its own results; two keep the processor busy. A message that ends makes room for the next.

// The compiler puts constants below these places.
const START: u32 = 0x1000; // 8 × u64: state that every message begins with, written by the caller
const STATE: u32 = 0x1040; // 8 × 2 × u64: the states of both lanes
const WORDS: u32 = 0x10c0; // 16 × 2 × u64: the blocks of both lanes, word by word
const TAILS: u32 = 0x11c0; // 2 × 128 bytes: last blocks, filled up with zeros
const BLOCK_BYTES: u32 = 128;
const RESULT_BYTES: u32 = 32;

const IV: u32 = memory.data<u64>([
  0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
  0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
]) as u32;

// Which word comes when: one line a round, as offsets into `WORDS`.
const SIGMA: u32 = memory.data<u8>([
  0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240,
  224, 160, 64, 128, 144, 240, 208, 96, 16, 192, 0, 32, 176, 112, 80, 48,
  176, 128, 192, 0, 80, 32, 240, 208, 160, 224, 48, 96, 112, 16, 144, 64,
  112, 144, 48, 16, 208, 192, 176, 224, 32, 96, 80, 160, 64, 0, 240, 128,
  144, 0, 80, 112, 32, 64, 160, 240, 224, 16, 176, 192, 96, 128, 48, 208,
  32, 192, 96, 160, 0, 176, 128, 48, 64, 208, 112, 80, 240, 224, 16, 144,
  192, 80, 16, 240, 224, 208, 64, 160, 0, 112, 96, 48, 144, 32, 128, 176,
  208, 176, 112, 224, 192, 16, 48, 144, 80, 0, 240, 64, 128, 96, 32, 160,
  96, 240, 224, 144, 176, 48, 0, 128, 192, 32, 208, 112, 16, 64, 160, 80,
  160, 32, 128, 64, 112, 96, 16, 80, 240, 176, 144, 224, 48, 192, 208, 0,
  0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240,
  224, 160, 64, 128, 144, 240, 208, 96, 16, 192, 0, 32, 176, 112, 80, 48,
]) as u32;
const SIGMA_BYTES: u32 = 192;

// @ts-ignore: decorator
@inline
function add(a: v128, b: v128): v128 {
  return v128.add<u64>(a, b);
}

// @ts-ignore: decorator
@inline
function rotate32(a: v128): v128 {
  return v128.shuffle<u32>(a, a, 1, 0, 3, 2);
}

// @ts-ignore: decorator
@inline
function rotate24(a: v128): v128 {
  return v128.shuffle<u8>(a, a, 3, 4, 5, 6, 7, 0, 1, 2, 11, 12, 13, 14, 15, 8, 9, 10);
}

// @ts-ignore: decorator
@inline
function rotate16(a: v128): v128 {
  return v128.shuffle<u8>(a, a, 2, 3, 4, 5, 6, 7, 0, 1, 10, 11, 12, 13, 14, 15, 8, 9);
}

// @ts-ignore: decorator
@inline
function rotate63(a: v128): v128 {
  return v128.or(v128.add<u64>(a, a), v128.shr<u64>(a, 63));
}

// @ts-ignore: decorator
@inline
function word(sigma: u32): v128 {
  return v128.load(WORDS + load<u8>(sigma));
}

// @ts-ignore: decorator
@inline
function state(index: u32): v128 {
  return v128.load(STATE + (index << 4));
}

// @ts-ignore: decorator
@inline
function initial(index: u32): v128 {
  return v128.splat<u64>(load<u64>(IV + (index << 3)));
}

// @ts-ignore: decorator
@inline
function mix(index: u32, low: v128, high: v128): void {
  v128.store(STATE + (index << 4), v128.xor(state(index), v128.xor(low, high)));
}

/** Takes one block into each lane: from `a` and `b`, with the bytes counted so far and whether it is the last. */
function compress(a: u32, b: u32, counts: v128, ends: v128): void {
  for (let i: u32 = 0; i < BLOCK_BYTES; i += 16) {
    const x = v128.load(a + i);
    const y = v128.load(b + i);
    v128.store(WORDS + 2 * i, v128.shuffle<u64>(x, y, 0, 2));
    v128.store(WORDS + 2 * i, v128.shuffle<u64>(x, y, 1, 3), 16);
  }
  let v0 = state(0);
  let v1 = state(1);
  let v2 = state(2);
  let v3 = state(3);
  let v4 = state(4);
  let v5 = state(5);
  let v6 = state(6);
  let v7 = state(7);
  let v8 = initial(0);
  let v9 = initial(1);
  let v10 = initial(2);
  let v11 = initial(3);
  let v12 = v128.xor(initial(4), counts);
  let v13 = initial(5);
  let v14 = v128.xor(initial(6), ends);
  let v15 = initial(7);
  for (let s = SIGMA; s < SIGMA + SIGMA_BYTES; s += 16) {
    v0 = add(add(v0, v4), word(s + 0));
    v12 = rotate32(v128.xor(v12, v0));
    v8 = add(v8, v12);
    v4 = rotate24(v128.xor(v4, v8));
    v0 = add(add(v0, v4), word(s + 1));
    v12 = rotate16(v128.xor(v12, v0));
    v8 = add(v8, v12);
    v4 = rotate63(v128.xor(v4, v8));
    v1 = add(add(v1, v5), word(s + 2));
    v13 = rotate32(v128.xor(v13, v1));
    v9 = add(v9, v13);
    v5 = rotate24(v128.xor(v5, v9));
    v1 = add(add(v1, v5), word(s + 3));
    v13 = rotate16(v128.xor(v13, v1));
    v9 = add(v9, v13);
    v5 = rotate63(v128.xor(v5, v9));
    v2 = add(add(v2, v6), word(s + 4));
    v14 = rotate32(v128.xor(v14, v2));
    v10 = add(v10, v14);
    v6 = rotate24(v128.xor(v6, v10));
    v2 = add(add(v2, v6), word(s + 5));
    v14 = rotate16(v128.xor(v14, v2));
    v10 = add(v10, v14);
    v6 = rotate63(v128.xor(v6, v10));
    v3 = add(add(v3, v7), word(s + 6));
    v15 = rotate32(v128.xor(v15, v3));
    v11 = add(v11, v15);
    v7 = rotate24(v128.xor(v7, v11));
    v3 = add(add(v3, v7), word(s + 7));
    v15 = rotate16(v128.xor(v15, v3));
    v11 = add(v11, v15);
    v7 = rotate63(v128.xor(v7, v11));
    v0 = add(add(v0, v5), word(s + 8));
    v15 = rotate32(v128.xor(v15, v0));
    v10 = add(v10, v15);
    v5 = rotate24(v128.xor(v5, v10));
    v0 = add(add(v0, v5), word(s + 9));
    v15 = rotate16(v128.xor(v15, v0));
    v10 = add(v10, v15);
    v5 = rotate63(v128.xor(v5, v10));
    v1 = add(add(v1, v6), word(s + 10));
    v12 = rotate32(v128.xor(v12, v1));
    v11 = add(v11, v12);
    v6 = rotate24(v128.xor(v6, v11));
    v1 = add(add(v1, v6), word(s + 11));
    v12 = rotate16(v128.xor(v12, v1));
    v11 = add(v11, v12);
    v6 = rotate63(v128.xor(v6, v11));
    v2 = add(add(v2, v7), word(s + 12));
    v13 = rotate32(v128.xor(v13, v2));
    v8 = add(v8, v13);
    v7 = rotate24(v128.xor(v7, v8));
    v2 = add(add(v2, v7), word(s + 13));
    v13 = rotate16(v128.xor(v13, v2));
    v8 = add(v8, v13);
    v7 = rotate63(v128.xor(v7, v8));
    v3 = add(add(v3, v4), word(s + 14));
    v14 = rotate32(v128.xor(v14, v3));
    v9 = add(v9, v14);
    v4 = rotate24(v128.xor(v4, v9));
    v3 = add(add(v3, v4), word(s + 15));
    v14 = rotate16(v128.xor(v14, v3));
    v9 = add(v9, v14);
    v4 = rotate63(v128.xor(v4, v9));
  }
  mix(0, v0, v8);
  mix(1, v1, v9);
  mix(2, v2, v10);
  mix(3, v3, v11);
  mix(4, v4, v12);
  mix(5, v5, v13);
  mix(6, v6, v14);
  mix(7, v7, v15);
}

let table: u32 = 0;
let tableEnd: u32 = 0;
let results: u32 = 0;

/** The place of the next message in the table, whose lane it begins in; 0 when there is none. */
function begin(lane: u32): u32 {
  if (table >= tableEnd) return 0;
  for (let i: u32 = 0; i < 8; i++) store<u64>(STATE + (i << 4) + lane, load<u64>(START + (i << 3)));
  table += 12;
  return table - 12;
}

/** Where the next block of a lane is: in the message, or filled up in `tail` when it is the last. */
function block(at: u32, left: u32, tail: u32): u32 {
  if (left >= BLOCK_BYTES) return at;
  memory.fill(tail, 0, BLOCK_BYTES);
  memory.copy(tail, at, left);
  return tail;
}

function end(entry: u32, lane: u32): void {
  const result = load<u32>(entry, 8);
  for (let i: u32 = 0; i < RESULT_BYTES; i += 8) store<u64>(result + i, load<u64>(STATE + (i << 1) + lane));
}

/**
 * Hashes the messages of a table of `count` entries: where each lies, its length, which is not 0, and where its 32 bytes go.
 * @param counted bytes that the state at `START` has taken already.
 */
export function hashMany(entries: u32, count: u32, counted: u32): void {
  table = entries;
  tableEnd = entries + count * 12;
  let entryA = begin(0);
  let entryB = begin(8);
  if (entryA === 0) return;
  // A lane without a message goes along with any block; nobody reads its state.
  let atA = load<u32>(entryA);
  let leftA = load<u32>(entryA, 4);
  let atB = entryB === 0 ? atA : load<u32>(entryB);
  let leftB: u32 = entryB === 0 ? 0 : load<u32>(entryB, 4);
  let takenA = counted;
  let takenB = counted;
  while (entryA !== 0 || entryB !== 0) {
    const bytesA = min(leftA, BLOCK_BYTES);
    const bytesB = min(leftB, BLOCK_BYTES);
    takenA += bytesA;
    takenB += bytesB;
    const isLastA = leftA <= BLOCK_BYTES;
    const isLastB = leftB <= BLOCK_BYTES;
    const a = block(atA, leftA, TAILS);
    const b = block(atB, leftB, TAILS + BLOCK_BYTES);
    const counts = v128.replace_lane<u64>(v128.splat<u64>(takenA), 1, takenB);
    const ends = v128.replace_lane<u64>(v128.splat<u64>(isLastA ? u64.MAX_VALUE : 0), 1, isLastB ? u64.MAX_VALUE : 0);
    compress(a, b, counts, ends);
    atA += bytesA;
    leftA -= bytesA;
    atB += bytesB;
    leftB -= bytesB;
    if (isLastA && entryA !== 0) {
      end(entryA, 0);
      entryA = begin(0);
      takenA = counted;
      if (entryA !== 0) {
        atA = load<u32>(entryA);
        leftA = load<u32>(entryA, 4);
      }
    }
    if (isLastB && entryB !== 0) {
      end(entryB, 8);
      entryB = begin(8);
      takenB = counted;
      if (entryB !== 0) {
        atB = load<u32>(entryB);
        leftB = load<u32>(entryB, 4);
      }
    }
  }
}

/** Takes the 128 bytes at `TAILS` as the first block of every message: the state at `START` then holds it. */
export function takeKey(): void {
  for (let i: u32 = 0; i < 8; i++) store<u64>(STATE + (i << 4), load<u64>(START + (i << 3)));
  compress(TAILS, TAILS, v128.splat<u64>(BLOCK_BYTES), v128.splat<u64>(0));
  for (let i: u32 = 0; i < 8; i++) store<u64>(START + (i << 3), load<u64>(STATE + (i << 4)));
}
