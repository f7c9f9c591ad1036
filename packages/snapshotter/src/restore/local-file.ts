import { closeSync, fsyncSync, ftruncateSync, writeSync } from "node:fs";
import type { DirectoryHandle } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { type AttributeOptions, applyAttributes } from "./local-attributes.ts";
import type { OutputFile } from "./restore-output.ts";

/** How a file is written. */
export interface LocalFileOptions extends AttributeOptions {
  /** Leave blocks of zeros out. */
  readonly isSparse: boolean;
  readonly flush: boolean;
}

/** A file that was opened for writing. */
export interface OpenedFile {
  readonly directory: DirectoryHandle;
  readonly fd: number;
  /** The name it has now. */
  readonly writtenName: string;
  /** The name it gets when it is whole; the same as `writtenName` without atomic writing. */
  readonly finalName: string;
  /** It did not exist before, so it may be removed again. */
  readonly isNew: boolean;
}

const SPARSE_BLOCK_BYTES = 4096;

/** A file of the local filesystem that is being restored. */
export class LocalFile implements OutputFile {
  readonly #file: OpenedFile;
  readonly #entry: DirectoryEntry;
  readonly #options: LocalFileOptions;
  #lengthBytes = 0;
  #isOpen = true;
  #isWhole = false;

  constructor(file: OpenedFile, entry: DirectoryEntry, options: LocalFileOptions) {
    this.#file = file;
    this.#entry = entry;
    this.#options = options;
  }

  write(piece: Uint8Array): void {
    if (this.#options.isSparse) this.#writeSparse(piece);
    else this.#writeAt(piece, this.#lengthBytes);
    this.#lengthBytes += piece.length;
  }

  finish(): void {
    const { fd, directory, writtenName, finalName } = this.#file;
    // A file of a checkpoint has its full size but less data: the rest is a hole (spec 2 "Additions").
    const sizeBytes = Math.max(this.#lengthBytes, Number(this.#entry.sizeBytes));
    if (this.#options.isSparse || sizeBytes !== this.#lengthBytes) ftruncateSync(fd, sizeBytes);
    this.#isWhole = true;
    applyAttributes(fd, this.#entry, this.#options);
    if (this.#options.flush) fsyncSync(fd);
    this.#close();
    if (finalName !== writtenName) directory.rename(writtenName, finalName);
  }

  abort(): void {
    this.#close();
    const { directory, isNew, writtenName, finalName } = this.#file;
    // Data that is whole is worth keeping even where its attributes could not be set.
    if (!isNew || (this.#isWhole && writtenName === finalName)) return;
    try {
      directory.unlink(writtenName);
    } catch {
      // The first error is the one to be told.
    }
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#file.fd);
  }

  #writeAt(piece: Uint8Array, position: number): void {
    let written = 0;
    while (written < piece.length) {
      const wanted = piece.length - written;
      written += writeSync(this.#file.fd, piece, written, wanted, position + written);
    }
  }

  /** Writes runs of blocks that hold data; blocks are counted from the start of the file. */
  #writeSparse(piece: Uint8Array): void {
    let start = 0;
    while (start < piece.length) {
      const dataStart = skipBlocks(piece, { start, fileOffset: this.#lengthBytes, zero: true });
      const dataEnd = skipBlocks(piece, {
        start: dataStart,
        fileOffset: this.#lengthBytes,
        zero: false,
      });
      if (dataEnd > dataStart) {
        this.#writeAt(piece.subarray(dataStart, dataEnd), this.#lengthBytes + dataStart);
      }
      start = dataEnd;
    }
  }
}

/** First position at or after `start` where a block begins that is not (all zero) === `zero`. */
function skipBlocks(
  piece: Uint8Array,
  run: { readonly start: number; readonly fileOffset: number; readonly zero: boolean },
): number {
  let start = run.start;
  while (start < piece.length) {
    const intoBlock = (run.fileOffset + start) % SPARSE_BLOCK_BYTES;
    const end = Math.min(piece.length, start + SPARSE_BLOCK_BYTES - intoBlock);
    if (isZero(piece, start, end) !== run.zero) return start;
    start = end;
  }
  return start;
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}
