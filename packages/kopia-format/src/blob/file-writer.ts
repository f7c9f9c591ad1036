import * as fs from "node:fs";
import { promisify } from "node:util";
import type { Bytes } from "../base/bytes.ts";
import type { TimeNs } from "../base/clock.ts";
import { setTimesNs } from "../base/posix.ts";
import { writerClosed } from "./collecting-writer.ts";
import type { BlobId, BlobMetadata, BlobWriter } from "./storage.ts";
import { storageError } from "./system-error.ts";

const fsync = promisify(fs.fsync);

/** Small pieces are gathered to this size before they are written. */
const BUFFER_BYTES = 2 ** 18;

/** Where a blob file goes and how it is made. */
export interface FileTarget {
  readonly id: BlobId;
  /** Final path. */
  readonly path: string;
  /** Path in the same directory, unique to this writer. */
  readonly temporaryPath: string;
  readonly fileMode: number;
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** Makes the missing directories above the file, never the storage root. */
  readonly makeDirectories: () => void;
}

/**
 * Writes a blob file: temporary file in the same directory, fsync, rename (spec 1 §1.2). Pieces are written
 * by synchronous calls; only the fsync runs beside other work.
 */
export class FileWriter implements BlobWriter {
  readonly #target: FileTarget;
  readonly #bufferBytes: number;
  #fd: number | undefined;
  #buffer: Bytes | undefined;
  #bufferedBytes = 0;
  #lengthBytes = 0;
  #state: "open" | "failed" | "closed" = "open";

  /** @param options `bufferBytes: 0` writes every piece at once */
  constructor(target: FileTarget, options: { readonly bufferBytes?: number } = {}) {
    this.#target = target;
    this.#bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
  }

  get id(): BlobId {
    return this.#target.id;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  append(data: Uint8Array): void {
    this.#expectOpen();
    this.#guard(() => this.#append(data));
    this.#lengthBytes += data.length;
  }

  async commit(timestamp?: TimeNs): Promise<BlobMetadata> {
    this.#expectOpen();
    this.#state = "closed";
    try {
      return await this.#finish(timestamp);
    } catch (error) {
      this.#discard();
      throw this.#failed(error);
    }
  }

  // oxlint-disable-next-line require-await -- the contract is asynchronous
  async abort(): Promise<void> {
    if (this.#state === "open") this.#state = "closed";
    this.#discard();
  }

  #append(data: Uint8Array): void {
    const large = data.length >= this.#bufferBytes / 4;
    if (large || this.#bufferedBytes + data.length > this.#bufferBytes) this.#flush();
    if (large) {
      writeFully(this.#file(), data);
      return;
    }
    this.#buffer ??= new Uint8Array(this.#bufferBytes);
    this.#buffer.set(data, this.#bufferedBytes);
    this.#bufferedBytes += data.length;
  }

  #flush(): void {
    if (this.#buffer === undefined || this.#bufferedBytes === 0) return;
    writeFully(this.#file(), this.#buffer.subarray(0, this.#bufferedBytes));
    this.#bufferedBytes = 0;
  }

  async #finish(timestamp: TimeNs | undefined): Promise<BlobMetadata> {
    const { id, path, temporaryPath } = this.#target;
    this.#flush();
    const fd = this.#file();
    await fsync(fd);
    this.#fd = undefined;
    // Network file systems report some write errors only here.
    fs.closeSync(fd);
    if (timestamp !== undefined) setTimesNs(temporaryPath, { atime: timestamp, mtime: timestamp });
    fs.renameSync(temporaryPath, path);
    this.#changeOwner();
    const stats = fs.statSync(path, { bigint: true });
    return { id, lengthBytes: this.#lengthBytes, timestamp: stats.mtimeNs };
  }

  /** Kopia only logs a failure; the blob is whole and readable for its writer. */
  #changeOwner(): void {
    const { owner, path } = this.#target;
    if (owner === undefined || process.geteuid?.() !== 0) return;
    try {
      fs.chownSync(path, owner.uid, owner.gid);
    } catch {
      // Without the owner others may lack access, which they will be told when they read.
    }
  }

  #file(): number {
    this.#fd ??= this.#create();
    return this.#fd;
  }

  #create(): number {
    const { temporaryPath, fileMode, makeDirectories } = this.#target;
    try {
      return fs.openSync(temporaryPath, "wx", fileMode);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      makeDirectories();
      return fs.openSync(temporaryPath, "wx", fileMode);
    }
  }

  #guard(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#state = "failed";
      this.#discard();
      throw this.#failed(error);
    }
  }

  #failed(error: unknown): Error {
    return storageError(error, { action: "write", blob: this.id, path: this.#target.path });
  }

  /** Removes the temporary file. What cannot be removed is harmless: it is no blob (spec 1 §12.1). */
  #discard(): void {
    this.#buffer = undefined;
    try {
      if (this.#fd !== undefined) fs.closeSync(this.#fd);
      this.#fd = undefined;
      fs.rmSync(this.#target.temporaryPath, { force: true });
    } catch {
      this.#fd = undefined;
    }
  }

  #expectOpen(): void {
    if (this.#state !== "open") throw writerClosed(this.id);
  }
}

/** Writes all bytes at the file's position. @throws the system error */
function writeFully(fd: number, data: Uint8Array): void {
  let written = 0;
  while (written < data.length) written += fs.writeSync(fd, data, written, data.length - written);
}
