import { closeSync, fsyncSync, ftruncateSync } from "node:fs";
import type { DirectoryHandle } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { deleteEntry } from "./delete-extra.ts";
import { type AttributeOptions, applyAttributes } from "./local-attributes.ts";
import { writeFilePiece } from "./local-file-bytes.ts";
import type { LentFile, OutputFile } from "./restore-output.ts";

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
  /** A placeholder that gives way once the file is whole (spec 2 §10.4). */
  readonly placeholderName: string | undefined;
  /** It did not exist before, so it may be removed again. */
  readonly isNew: boolean;
}

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
    const offsetBytes = this.#lengthBytes;
    writeFilePiece(this.#file.fd, { bytes: piece, offsetBytes }, this.#options.isSparse);
    this.#lengthBytes += piece.length;
  }

  lend(): LentFile {
    return { fd: this.#file.fd, isSparse: this.#options.isSparse };
  }

  wroteUpTo(lengthBytes: number): void {
    this.#lengthBytes = Math.max(this.#lengthBytes, lengthBytes);
  }

  finish(): void {
    const { fd, directory, writtenName, finalName, placeholderName } = this.#file;
    // A file of a checkpoint has its full size but less data: the rest is a hole (spec 2 "Additions").
    const sizeBytes = Math.max(this.#lengthBytes, Number(this.#entry.sizeBytes));
    if (this.#options.isSparse || sizeBytes !== this.#lengthBytes) ftruncateSync(fd, sizeBytes);
    this.#isWhole = true;
    applyAttributes(fd, this.#entry, this.#options);
    if (this.#options.flush) fsyncSync(fd);
    this.#close();
    if (finalName !== writtenName) directory.rename(writtenName, finalName);
    if (placeholderName !== undefined) deleteEntry(directory, placeholderName);
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
}
