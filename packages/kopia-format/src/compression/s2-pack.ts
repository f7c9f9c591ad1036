// A packer for S2 blocks that uses Snappy's elements only, which every S2 reader knows.

const HASH_BITS = 14;
const HASH_FACTOR = 0x1e35a7bd;
const MIN_MATCH_BYTES = 4;
// Too near the end for another match to pay.
const TAIL_BYTES = 15;
const MAX_COPY_BYTES = 64;
const MAX_SHORT_OFFSET = 2 ** 16;

const table = new Int32Array(2 ** HASH_BITS);

/** Longest result of `packS2Block`. */
export function s2PackBound(lengthBytes: number): number {
  return lengthBytes + Math.ceil(lengthBytes / 60) + 32;
}

/** Writes one block to the start of `output` (at least `s2PackBound` bytes); gives its length. */
export function packS2Block(data: Uint8Array, output: Uint8Array): number {
  let to = 0;
  for (let rest = data.length; ; rest = Math.floor(rest / 128)) {
    output[to++] = rest < 128 ? rest : (rest & 127) | 128;
    if (rest < 128) break;
  }
  table.fill(-1);
  let literalStart = 0;
  let position = 0;
  const lastStart = data.length - TAIL_BYTES;
  while (position < lastStart) {
    const match = nextMatch(data, position, lastStart);
    if (match === undefined) break;
    const { start, candidate } = match;
    let end = start + MIN_MATCH_BYTES;
    while (end < data.length && data[end] === data[candidate + end - start]) end++;
    to = writeLiteral(data.subarray(literalStart, start), output, to);
    to = writeCopy({ offset: start - candidate, length: end - start }, output, to);
    literalStart = end;
    position = end;
  }
  return writeLiteral(data.subarray(literalStart), output, to);
}

/** The next place whose four bytes were seen before; steps grow where nothing matches. */
function nextMatch(
  data: Uint8Array,
  from: number,
  lastStart: number,
): { start: number; candidate: number } | undefined {
  let misses = 32;
  for (let start = from; start < lastStart; start += misses++ >> 5) {
    const word = word32(data, start);
    const slot = Math.imul(word, HASH_FACTOR) >>> (32 - HASH_BITS);
    const candidate = table[slot] as number;
    table[slot] = start;
    if (candidate >= 0 && word32(data, candidate) === word) return { start, candidate };
  }
  return undefined;
}

function word32(data: Uint8Array, offset: number): number {
  return (
    (data[offset] as number) |
    ((data[offset + 1] as number) << 8) |
    ((data[offset + 2] as number) << 16) |
    ((data[offset + 3] as number) << 24)
  );
}

function writeLiteral(literal: Uint8Array, output: Uint8Array, to: number): number {
  if (literal.length === 0) return to;
  const last = literal.length - 1;
  let next = to;
  if (last < 60) output[next++] = last << 2;
  else {
    const extraBytes = last < 2 ** 8 ? 1 : last < 2 ** 16 ? 2 : 3;
    output[next++] = (59 + extraBytes) << 2;
    for (let i = 0; i < extraBytes; i++) output[next++] = (last >> (8 * i)) & 255;
  }
  output.set(literal, next);
  return next + literal.length;
}

function writeCopy(
  copy: { offset: number; length: number },
  output: Uint8Array,
  to: number,
): number {
  const { offset } = copy;
  const offsetBytes = offset < MAX_SHORT_OFFSET ? 2 : 4;
  let next = to;
  for (let rest = copy.length; rest > 0;) {
    const length = Math.min(rest, MAX_COPY_BYTES);
    output[next++] = ((length - 1) << 2) | (offsetBytes === 2 ? 2 : 3);
    for (let i = 0; i < offsetBytes; i++) output[next++] = (offset >> (8 * i)) & 255;
    rest -= length;
  }
  return next;
}
