import type { Bytes } from "../../base/bytes.ts";
import { releaseBytes } from "../../base/release-bytes.ts";
import type { BlobId, BlobMetadata, BlobStorage, BlobWriter } from "../../blob/storage.ts";

/** First size of a buffer; it doubles up to its limit. */
const INITIAL_BUFFER_BYTES = 2 ** 16;

/**
 * Memory that one pack after another is assembled in, so that a session allocates it once. Grows
 * beyond its limit only for a content that is longer.
 */
export class PackBuffer {
  /** From this fill on the bytes are handed to the storage. */
  readonly limitBytes: number;
  #bytes: Bytes = new Uint8Array(INITIAL_BUFFER_BYTES);

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  /** The memory, at least `lengthBytes` long; the first `keepBytes` are as they were. */
  atLeast(lengthBytes: number, keepBytes: number): Bytes {
    if (lengthBytes > this.#bytes.length) {
      const doubledBytes = Math.min(2 * this.#bytes.length, this.limitBytes);
      const grown = new Uint8Array(Math.max(lengthBytes, doubledBytes));
      grown.set(this.#bytes.subarray(0, keepBytes));
      releaseBytes(this.#bytes);
      this.#bytes = grown;
    }
    return this.#bytes;
  }
}

/**
 * The bytes of one pack on their way into storage (spec 1 §6.2). Small pieces are gathered, so that
 * the storage sees few and large writes; the storage's writer is opened at the first of them. A buffer
 * serves one pack at a time.
 */
export class PackWriter {
  readonly blobId: BlobId;
  readonly #storage: BlobStorage;
  readonly #buffer: PackBuffer;
  #writer: BlobWriter | undefined;
  /** Bytes handed to the storage. */
  #storedBytes = 0;
  /** Bytes waiting in the buffer. */
  #bufferedBytes = 0;

  constructor(storage: BlobStorage, blobId: BlobId, buffer: PackBuffer) {
    this.#storage = storage;
    this.blobId = blobId;
    this.#buffer = buffer;
  }

  /** Length of the pack so far: the offset of what is appended next. */
  get lengthBytes(): number {
    return this.#storedBytes + this.#bufferedBytes;
  }

  /**
   * Room for the next `lengthBytes` bytes, to be filled and then confirmed by `advance`. Valid until
   * the next call.
   * @throws KopiaError storage errors.
   */
  reserve(lengthBytes: number): Bytes {
    const limitBytes = this.#buffer.limitBytes;
    if (this.#bufferedBytes > 0 && this.#bufferedBytes + lengthBytes > limitBytes) this.#store();
    const start = this.#bufferedBytes;
    return this.#buffer.atLeast(start + lengthBytes, start).subarray(start, start + lengthBytes);
  }

  /**
   * Takes over the first `lengthBytes` of the room that `reserve` gave.
   * @throws KopiaError storage errors.
   */
  advance(lengthBytes: number): void {
    this.#bufferedBytes += lengthBytes;
    if (this.#bufferedBytes >= this.#buffer.limitBytes) this.#store();
  }

  /** Appends a copy of bytes. @throws KopiaError storage errors. */
  append(data: Uint8Array): void {
    if (data.length > this.#buffer.limitBytes) {
      this.#store();
      this.#openWriter().append(data);
      this.#storedBytes += data.length;
      return;
    }
    this.reserve(data.length).set(data);
    this.advance(data.length);
  }

  /** Bytes of the pack while they are still in memory, copied; `undefined` once they are not. */
  peek(offsetBytes: number, lengthBytes: number): Bytes | undefined {
    const start = offsetBytes - this.#storedBytes;
    if (start < 0 || start + lengthBytes > this.#bufferedBytes) return undefined;
    return this.#buffer.atLeast(0, 0).slice(start, start + lengthBytes);
  }

  /**
   * Hands the rest to the storage; afterwards the buffer may serve another pack.
   * @returns the step that makes the pack durable and visible.
   * @throws KopiaError storage errors.
   */
  finish(): () => Promise<BlobMetadata> {
    this.#store();
    const writer = this.#openWriter();
    return () => writer.commit();
  }

  /** Forgets the pack; nothing stays behind. */
  async abort(): Promise<void> {
    this.#bufferedBytes = 0;
    await this.#writer?.abort();
  }

  #openWriter(): BlobWriter {
    this.#writer ??= this.#storage.openWriter(this.blobId);
    return this.#writer;
  }

  #store(): void {
    if (this.#bufferedBytes === 0) return;
    const buffered = this.#buffer.atLeast(0, 0).subarray(0, this.#bufferedBytes);
    this.#openWriter().append(buffered);
    this.#storedBytes += this.#bufferedBytes;
    this.#bufferedBytes = 0;
  }
}
