// The memory-hard part of scrypt with r = 8 (RFC 7914 §4–§5): ROMix over blocks of 1 KiB, four lanes at once.
//
// Memory from BASE: block X, a spare block, then the table V of N blocks and one more. Within every 64
// bytes the words lie so that the four diagonals of the Salsa20 matrix are one vector each (word 5·i
// mod 16 of the standard order comes at place i): only two rotations of lanes a round move words.
//
// Work is done in slices (`fill`, `mix`), so that others may run in between and the engine can swap in
// its optimised code.

const BLOCK: usize = 1024;
const CHUNK: usize = 64;
const BASE: usize = (__heap_base + 63) & ~63;
const SPARE: usize = BASE + BLOCK;
const TABLE: usize = BASE + 2 * BLOCK;

let current: usize = BASE;
let other: usize = SPARE;

/** Makes room for a table of `count` blocks. Returns where X is to be put, or 0 when there is no memory. */
export function reserve(count: u32): usize {
  const needed = <i32>((TABLE + (<usize>count + 1) * BLOCK + 0xffff) >> 16);
  const present = memory.size();
  if (needed > present && memory.grow(needed - present) < 0) return 0;
  return BASE;
}

/** Begins with X, which lies in standard order at BASE. */
export function begin(): void {
  for (let at: usize = 0; at < BLOCK; at += CHUNK) {
    for (let i: usize = 0; i < 16; i++) {
      store<u32>(TABLE + at + (i << 2), load<u32>(BASE + at + (((i * 5) & 15) << 2)));
    }
  }
}

/** Fills the blocks of the table from `from` up to `to` (not included). */
export function fill(from: u32, to: u32): void {
  for (let i = from; i < to; i++) {
    const block = TABLE + <usize>i * BLOCK;
    blockMix(block, block, block + BLOCK, false);
  }
}

/** Takes X from behind the table of `count` blocks, where `fill` has left it. */
export function filled(count: u32): void {
  current = BASE;
  other = SPARE;
  memory.copy(BASE, TABLE + <usize>count * BLOCK, BLOCK);
}

/** So many steps over the table of `count` blocks, a power of two. */
export function mix(steps: u32, count: u32): void {
  const last = count - 1;
  let x = current;
  let y = other;
  for (let i: u32 = 0; i < steps; i++) {
    const j = load<u32>(x + BLOCK - CHUNK) & last;
    blockMix(x, TABLE + <usize>j * BLOCK, y, true);
    const z = x;
    x = y;
    y = z;
  }
  current = x;
  other = y;
}

/** Brings X back into standard order. Returns where it lies. */
export function finish(): usize {
  for (let at: usize = 0; at < BLOCK; at += CHUNK) {
    for (let i: usize = 0; i < 16; i++) {
      store<u32>(other + at + (((i * 5) & 15) << 2), load<u32>(current + at + (i << 2)));
    }
  }
  return other;
}

@inline
function rotated(x: v128, sum: v128, bits: i32): v128 {
  return v128.xor(v128.xor(x, i32x4.shl(sum, bits)), i32x4.shr_u(sum, 32 - bits));
}

/** BlockMix of `from`, or of `from` ⊕ `mask`, into `to`. */
@inline
function blockMix(from: usize, mask: usize, to: usize, isXored: bool): void {
  const last = BLOCK - CHUNK;
  let x0 = v128.load(from + last);
  let x1 = v128.load(from + last, 16);
  let x2 = v128.load(from + last, 32);
  let x3 = v128.load(from + last, 48);
  if (isXored) {
    x0 = v128.xor(x0, v128.load(mask + last));
    x1 = v128.xor(x1, v128.load(mask + last, 16));
    x2 = v128.xor(x2, v128.load(mask + last, 32));
    x3 = v128.xor(x3, v128.load(mask + last, 48));
  }
  for (let at: usize = 0; at < BLOCK; at += CHUNK) {
    x0 = v128.xor(x0, v128.load(from + at));
    x1 = v128.xor(x1, v128.load(from + at, 16));
    x2 = v128.xor(x2, v128.load(from + at, 32));
    x3 = v128.xor(x3, v128.load(from + at, 48));
    if (isXored) {
      x0 = v128.xor(x0, v128.load(mask + at));
      x1 = v128.xor(x1, v128.load(mask + at, 16));
      x2 = v128.xor(x2, v128.load(mask + at, 32));
      x3 = v128.xor(x3, v128.load(mask + at, 48));
    }
    let y0 = x0;
    let y1 = x1;
    let y2 = x2;
    let y3 = x3;
    for (let round = 0; round < 4; round++) {
      y1 = rotated(y1, i32x4.add(y0, y3), 7);
      y2 = rotated(y2, i32x4.add(y1, y0), 9);
      y3 = rotated(y3, i32x4.add(y2, y1), 13);
      y0 = rotated(y0, i32x4.add(y3, y2), 18);
      y1 = i32x4.shuffle(y1, y1, 3, 0, 1, 2);
      y2 = i32x4.shuffle(y2, y2, 2, 3, 0, 1);
      y3 = i32x4.shuffle(y3, y3, 1, 2, 3, 0);
      y3 = rotated(y3, i32x4.add(y0, y1), 7);
      y2 = rotated(y2, i32x4.add(y3, y0), 9);
      y1 = rotated(y1, i32x4.add(y2, y3), 13);
      y0 = rotated(y0, i32x4.add(y1, y2), 18);
      y1 = i32x4.shuffle(y1, y1, 1, 2, 3, 0);
      y2 = i32x4.shuffle(y2, y2, 2, 3, 0, 1);
      y3 = i32x4.shuffle(y3, y3, 3, 0, 1, 2);
    }
    x0 = i32x4.add(x0, y0);
    x1 = i32x4.add(x1, y1);
    x2 = i32x4.add(x2, y2);
    x3 = i32x4.add(x3, y3);
    // Even chunks make the first half of the result, odd ones the second.
    const target = to + (at & CHUNK) * 8 + ((at & ~CHUNK) >> 1);
    v128.store(target, x0);
    v128.store(target, x1, 16);
    v128.store(target, x2, 32);
    v128.store(target, x3, 48);
  }
}
