// AssemblyScript: HMAC-SHA256 of a short message under a key whose two blocks were digested before
// (FIPS 180-4, RFC 2104). One call a content, so that what it costs beside the hashing counts.

// The compiler puts constants below these places.
const INNER: u32 = 0x1000; // 8 × u32: state after the inner key block, written by the caller
const OUTER: u32 = 0x1020; // 8 × u32: state after the outer key block
const MESSAGE: u32 = 0x1040; // at most 55 bytes
const BLOCK: u32 = 0x1080; // 64 bytes
const STATE: u32 = 0x10c0; // 8 × u32: result, big-endian
const WORDS: u32 = 0x1100; // 64 × u32
const BLOCK_BYTES: u32 = 64;

// Round constants, as little-endian bytes of the words.
const K: u32 = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]) as u32;

/** Digests the padded block from the state at `from` into the one at `STATE`, as numbers. */
function compress(from: u32): void {
  for (let i: u32 = 0; i < 16; i++) store<u32>(WORDS + (i << 2), bswap<u32>(load<u32>(BLOCK + (i << 2))));
  for (let i: u32 = 16; i < 64; i++) {
    const at = WORDS + (i << 2);
    const w15 = load<u32>(at - 60);
    const w2 = load<u32>(at - 8);
    const s0 = rotr<u32>(w15, 7) ^ rotr<u32>(w15, 18) ^ (w15 >> 3);
    const s1 = rotr<u32>(w2, 17) ^ rotr<u32>(w2, 19) ^ (w2 >> 10);
    store<u32>(at, load<u32>(at - 64) + s0 + load<u32>(at - 28) + s1);
  }
  let a = load<u32>(from);
  let b = load<u32>(from + 4);
  let c = load<u32>(from + 8);
  let d = load<u32>(from + 12);
  let e = load<u32>(from + 16);
  let f = load<u32>(from + 20);
  let g = load<u32>(from + 24);
  let h = load<u32>(from + 28);
  for (let at: u32 = 0; at < 256; at += 4) {
    const s1 = rotr<u32>(e, 6) ^ rotr<u32>(e, 11) ^ rotr<u32>(e, 25);
    const t1 = h + s1 + ((e & f) ^ (~e & g)) + load<u32>(K + at) + load<u32>(WORDS + at);
    const s0 = rotr<u32>(a, 2) ^ rotr<u32>(a, 13) ^ rotr<u32>(a, 22);
    const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  store<u32>(STATE, load<u32>(from) + a);
  store<u32>(STATE + 4, load<u32>(from + 4) + b);
  store<u32>(STATE + 8, load<u32>(from + 8) + c);
  store<u32>(STATE + 12, load<u32>(from + 12) + d);
  store<u32>(STATE + 16, load<u32>(from + 16) + e);
  store<u32>(STATE + 20, load<u32>(from + 20) + f);
  store<u32>(STATE + 24, load<u32>(from + 24) + g);
  store<u32>(STATE + 28, load<u32>(from + 28) + h);
}

/** The last block of a message of which 64 bytes, the key's, came before. */
function pad(from: u32, length: u32): void {
  memory.fill(BLOCK, 0, BLOCK_BYTES);
  memory.copy(BLOCK, from, length);
  store<u8>(BLOCK + length, 0x80);
  store<u32>(BLOCK + 60, bswap<u32>((BLOCK_BYTES + length) << 3));
}

function stateToBytes(): void {
  for (let at: u32 = 0; at < 32; at += 4) store<u32>(STATE + at, bswap<u32>(load<u32>(STATE + at)));
}

/** HMAC-SHA256 of the message; 32 bytes at `STATE`. */
export function hmac(length: u32): void {
  pad(MESSAGE, length);
  compress(INNER);
  stateToBytes();
  pad(STATE, 32);
  compress(OUTER);
  stateToBytes();
}

const INITIAL: u32 = memory.data<u32>([
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
]) as u32;

/** Digests both key blocks: each the 64 bytes at `BLOCK`, put there by the caller before each call. */
export function keyBlock(outer: bool): void {
  compress(INITIAL);
  memory.copy(outer ? OUTER : INNER, STATE, 32);
}
