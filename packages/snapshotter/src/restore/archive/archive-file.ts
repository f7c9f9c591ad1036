import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { KopiaError, type RandomBytes, systemRandom, toHex } from "@kopia-engine/kopia-format";

/** Small writes are gathered: an archive of small files is mostly headers. */
const BUFFER_BYTES = 2 ** 18;

/**
 * An archive while it is written: a temporary file beside the target, which gets the target's name only when
 * it is whole. What stands at the target until then stays.
 */
export class ArchiveFile {
  readonly #path: string;
  readonly #temporaryPath: string;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #bufferedBytes = 0;
  #writtenBytes = 0;
  #fd: number | undefined;

  /** @throws KopiaError `RESTORE_TARGET` when the file cannot be made. */
  constructor(path: string, random: RandomBytes = systemRandom) {
    this.#path = path;
    this.#temporaryPath = `${path}.${toHex(random(4))}.tmp`;
    try {
      this.#fd = openSync(this.#temporaryPath, "wx", 0o600);
    } catch (cause) {
      throw new KopiaError("RESTORE_TARGET", `${path} cannot be written: ${String(cause)}`, {
        details: { path },
        cause,
      });
    }
  }

  /** Bytes of the archive so far. */
  get lengthBytes(): number {
    return this.#writtenBytes + this.#bufferedBytes;
  }

  write(bytes: Uint8Array): void {
    if (bytes.length > BUFFER_BYTES - this.#bufferedBytes) this.#flush();
    if (bytes.length >= BUFFER_BYTES) {
      this.#writeAll(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#bufferedBytes);
    this.#bufferedBytes += bytes.length;
  }

  /** Takes back everything after a length: an entry that could not be completed. */
  truncate(lengthBytes: number): void {
    this.#flush();
    ftruncateSync(this.#open(), lengthBytes);
    this.#writtenBytes = lengthBytes;
  }

  /** Makes the archive durable and visible. */
  commit(): void {
    this.#flush();
    const fd = this.#open();
    fsyncSync(fd);
    closeSync(fd);
    this.#fd = undefined;
    renameSync(this.#temporaryPath, this.#path);
  }

  /** Leaves nothing behind; harmless after `commit`. */
  discard(): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    rmSync(this.#temporaryPath, { force: true });
  }

  #flush(): void {
    if (this.#bufferedBytes > 0) this.#writeAll(this.#buffer.subarray(0, this.#bufferedBytes));
    this.#bufferedBytes = 0;
  }

  #writeAll(bytes: Uint8Array): void {
    const fd = this.#open();
    for (let done = 0; done < bytes.length;)
      done += writeSync(fd, bytes, done, bytes.length - done, this.#writtenBytes + done);
    this.#writtenBytes += bytes.length;
  }

  #open(): number {
    if (this.#fd === undefined)
      throw new KopiaError("RESTORE_FAILED", `${this.#path} is closed`, {
        details: { path: this.#path },
      });
    return this.#fd;
  }
}
