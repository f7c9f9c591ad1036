import { closeSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Deterministic 32-bit generator (xorshift), so that every machine measures the same bytes. */
export class SeededNumbers {
  #state: number;

  constructor(seed: number) {
    this.#state = (seed | 0) === 0 ? 0x9e3779b9 : seed | 0;
  }

  /** Next unsigned 32-bit number. */
  next(): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state;
    return state >>> 0;
  }

  /** Next number from 0 to below 1. */
  fraction(): number {
    return this.next() / 2 ** 32;
  }

  /** Fills a buffer with incompressible bytes. */
  fill(buffer: Buffer): void {
    let offset = 0;
    for (; offset + 4 <= buffer.length; offset += 4) buffer.writeUInt32LE(this.next(), offset);
    for (; offset < buffer.length; offset++) buffer[offset] = this.next();
  }
}

/** Many small files: `count` files of about `meanBytes`, 100 to a directory. */
export function writeSmallFiles(
  root: string,
  options: { readonly count: number; readonly meanBytes: number; readonly seed: number },
): void {
  const random = new SeededNumbers(options.seed);
  const pool = Buffer.alloc(2 ** 20);
  random.fill(pool);
  for (let index = 0; index < options.count; index++) {
    const directory = join(
      root,
      `d${Math.floor(index / 10_000)}`,
      `e${Math.floor(index / 100) % 100}`,
    );
    if (index % 100 === 0) mkdirSync(directory, { recursive: true });
    const length = random.next() % (2 * options.meanBytes + 1);
    const start = random.next() % (pool.length - length);
    const data = Buffer.from(pool.subarray(start, start + length));
    data.fill(`line ${index} `, 0, length >> 1); // half of it compresses
    writeFileSync(join(directory, `file-${index}.dat`), data);
  }
}

/** Files of 40 bytes, all different, 1,000 to a directory. */
export function writeTinyFiles(root: string, count: number): void {
  for (let index = 0; index < count; index++) {
    const directory = join(
      root,
      `d${Math.floor(index / 100_000)}`,
      `e${Math.floor(index / 1000) % 100}`,
    );
    if (index % 1000 === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `f${index}`), `tiny file number ${index}`.padEnd(40, "."));
  }
}

const LARGE_SHARE = 0.0005;
const LARGE_BYTES = 10_000_000;
const COPY_SHARE = 0.1;
const TEXT_SHARE = 0.4;

/**
 * A tree as people have them: 20 files to a directory, most of them small (32 bytes to 128 KiB, every power of two as
 * frequent as any other), some of 10 MB, text and noise, a tenth copies of earlier files. About 21 KB a file.
 */
export function writeMixedTree(
  root: string,
  options: { readonly count: number; readonly seed: number },
): void {
  const random = new SeededNumbers(options.seed);
  const noise = Buffer.alloc(2 ** 24);
  random.fill(noise);
  const text = Buffer.from(noise.map((byte) => 97 + (byte & 7)));
  const recent: Buffer[] = [];
  for (let index = 0; index < options.count; index++) {
    const directory = join(
      root,
      `a${Math.floor(index / 2000)}`,
      `b${Math.floor(index / 200) % 10}`,
      `c${Math.floor(index / 20) % 10}`,
    );
    if (index % 20 === 0) mkdirSync(directory, { recursive: true });
    const copied = random.fraction() < COPY_SHARE ? recent[random.next() % 64] : undefined;
    const data = copied ?? mixedFile(random, random.fraction() < TEXT_SHARE ? text : noise, index);
    recent[index % 64] = data;
    writeFileSync(join(directory, `file ${index}.bin`), data);
  }
}

function mixedFile(random: SeededNumbers, pool: Buffer, index: number): Buffer {
  const isLarge = random.fraction() < LARGE_SHARE;
  const length = isLarge ? LARGE_BYTES : Math.floor(2 ** (5 + 12 * random.fraction()));
  const start = random.next() % (pool.length - length);
  const data = Buffer.from(pool.subarray(start, start + length));
  data.write(`${index}`, 0);
  return data;
}

/** One large file: of 64-byte-grained text and noise that zstd-fastest shrinks about 2.4 times, or noise alone. */
export function writeLargeFile(
  path: string,
  options: { readonly lengthBytes: number; readonly compressible: boolean; readonly seed: number },
): void {
  const random = new SeededNumbers(options.seed);
  const block = Buffer.alloc(2 ** 20);
  const file = openSync(path, "w");
  try {
    for (let written = 0; written < options.lengthBytes; written += block.length) {
      random.fill(block);
      if (options.compressible)
        for (let at = 0; at < block.length; at += 64)
          block.fill(`record ${at % 4096} of the block `, at, at + 37);
      writeSync(file, block, 0, Math.min(block.length, options.lengthBytes - written));
    }
  } finally {
    closeSync(file);
  }
  utimesSync(path, 1_700_000_000, 1_700_000_000);
}
