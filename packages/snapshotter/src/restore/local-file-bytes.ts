import { writeSync } from "node:fs";

const SPARSE_BLOCK_BYTES = 4096;

/** Bytes and their place in a file. */
export interface FilePiece {
  readonly bytes: Uint8Array;
  readonly offsetBytes: number;
}

/** Writes bytes at their place. With `isSparse`, blocks of zeros are left out; they are counted from the file's start. */
export function writeFilePiece(fd: number, piece: FilePiece, isSparse: boolean): void {
  if (isSparse) writeSparse(fd, piece);
  else writeFully(fd, piece);
}

function writeFully(fd: number, { bytes, offsetBytes }: FilePiece): void {
  let written = 0;
  while (written < bytes.length) {
    const wanted = bytes.length - written;
    written += writeSync(fd, bytes, written, wanted, offsetBytes + written);
  }
}

/** Writes runs of blocks that hold data. */
function writeSparse(fd: number, piece: FilePiece): void {
  const { bytes, offsetBytes } = piece;
  let start = 0;
  while (start < bytes.length) {
    const dataStart = skipBlocks(piece, start, true);
    const dataEnd = skipBlocks(piece, dataStart, false);
    if (dataEnd > dataStart) {
      const data = bytes.subarray(dataStart, dataEnd);
      writeFully(fd, { bytes: data, offsetBytes: offsetBytes + dataStart });
    }
    start = dataEnd;
  }
}

/** First position at or after `from` where a block begins that is not (all zero) === `zero`. */
function skipBlocks({ bytes, offsetBytes }: FilePiece, from: number, zero: boolean): number {
  let start = from;
  while (start < bytes.length) {
    const intoBlock = (offsetBytes + start) % SPARSE_BLOCK_BYTES;
    const end = Math.min(bytes.length, start + SPARSE_BLOCK_BYTES - intoBlock);
    if (isZero(bytes, start, end) !== zero) return start;
    start = end;
  }
  return start;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}
