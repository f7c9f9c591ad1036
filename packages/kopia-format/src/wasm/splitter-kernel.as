// AssemblyScript: the rolling-hash scans of the splitters (spec 2 §1.4, §1.5). The plain TypeScript
// scanners in ../splitter/ are the specification; build-kernels.ts compiles this file.
//
// All functions look at input that the caller has copied into memory, with at least 64 bytes before
// `from`, and need no state: the hash is a function of the last 64 bytes, so it is computed anew
// from the window at the start of every call. Table contents are written by the caller.

const WINDOW: u32 = 64;
// Where the caller puts the tables; as constants they become offsets of the load instructions.
const BUZHASH_TABLE: u32 = 0x0400; // 256 × u32
const RABIN_KARP_LEAVE: u32 = 0x1000; // 256 × u64, (b · x^512) mod P
const RABIN_KARP_FOLD: u32 = 0x1800; // 256 × u64, ((b · x^53) mod P) | (b << 53)
const LANE: u32 = 0x2000;

@inline
function buzhashValue(address: u32): u32 {
  return load<u32>((<u32>load<u8>(address)) << 2, BUZHASH_TABLE);
}

@inline
function buzhashRoll(hash: u32, entering: u32): u32 {
  return rotl<u32>(hash, 1) ^ (buzhashValue(entering) ^ buzhashValue(entering - WINDOW));
}

/** First candidate position in from..to, or -1. */
export function findBuzhash(from: u32, to: u32, mask: u32): i32 {
  let hash: u32 = 0;
  for (let p = from - WINDOW; p < from; p++) hash = rotl<u32>(hash, 1) ^ buzhashValue(p);
  if ((hash & mask) == 0) return from;
  let p = from;
  // Four bytes a turn: a third quicker than one.
  while (p + 4 <= to) {
    hash = buzhashRoll(hash, p);
    if ((hash & mask) == 0) return p + 1;
    hash = buzhashRoll(hash, p + 1);
    if ((hash & mask) == 0) return p + 2;
    hash = buzhashRoll(hash, p + 2);
    if ((hash & mask) == 0) return p + 3;
    hash = buzhashRoll(hash, p + 3);
    if ((hash & mask) == 0) return p + 4;
    p += 4;
  }
  while (p < to) {
    hash = buzhashRoll(hash, p);
    p++;
    if ((hash & mask) == 0) return p;
  }
  return -1;
}

@inline
function rabinKarpEnter(hash: u64, entering: u32): u64 {
  // The hash is below 2^53, so that the shift leaves exactly the byte to fold.
  const top = <u32>(hash >> 45);
  return (hash << 8) ^ <u64>load<u8>(entering) ^ load<u64>(top << 3, RABIN_KARP_FOLD);
}

@inline
function rabinKarpRoll(hash: u64, entering: u32): u64 {
  // Everything is linear over GF(2): the leaving byte can be taken out after the shift as well,
  // which keeps its load off the chain from one hash to the next.
  const leaving = <u32>load<u8>(entering - WINDOW);
  return rabinKarpEnter(hash, entering) ^ load<u64>(leaving << 3, RABIN_KARP_LEAVE);
}

@inline
function rabinKarpWindow(end: u32): u64 {
  let hash: u64 = 0;
  for (let p = end - WINDOW; p < end; p++) hash = rabinKarpEnter(hash, p);
  return hash;
}

/** First candidate position in from..to, or -1. */
export function findRabinKarp(from: u32, to: u32, mask: u32): i32 {
  let hash = rabinKarpWindow(from);
  if ((<u32>hash & mask) == 0) return from;
  for (let p = from; p < to; p++) {
    hash = rabinKarpRoll(hash, p);
    if ((<u32>hash & mask) == 0) return p + 1;
  }
  return -1;
}

/**
 * Whether there is any candidate in (from, from + 4 lanes]. Four independent chains, because one
 * spends its time waiting for the fold table.
 */
export function anyRabinKarp(from: u32, mask: u32): bool {
  let hash0 = rabinKarpWindow(from);
  let hash1 = rabinKarpWindow(from + LANE);
  let hash2 = rabinKarpWindow(from + 2 * LANE);
  let hash3 = rabinKarpWindow(from + 3 * LANE);
  for (let p = from, end = from + LANE; p < end; p++) {
    hash0 = rabinKarpRoll(hash0, p);
    hash1 = rabinKarpRoll(hash1, p + LANE);
    hash2 = rabinKarpRoll(hash2, p + 2 * LANE);
    hash3 = rabinKarpRoll(hash3, p + 3 * LANE);
    if ((<u32>hash0 & mask) == 0 || (<u32>hash1 & mask) == 0) return true;
    if ((<u32>hash2 & mask) == 0 || (<u32>hash3 & mask) == 0) return true;
  }
  return false;
}
