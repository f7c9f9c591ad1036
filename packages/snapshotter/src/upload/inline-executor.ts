import { readlinkSync } from "node:fs";
import type {
  ContentWriter,
  ObjectId,
  ObjectWriter,
  ObjectWriterOptions,
  ObjectWriterStore,
} from "@kopia-engine/kopia-format";
import { errnoText } from "../fs/go-errno.ts";
import { displayPath, nodePath } from "../fs/local-path.ts";
import {
  SourceReadError,
  closeSourceFile,
  openSourceFile,
  readFailure,
  readSourceFile,
} from "./source-file.ts";
import type {
  UploadBatch,
  UploadBatchObserver,
  UploadExecutor,
  UploadItem,
  UploadItemResult,
  UploadSettings,
} from "./upload-executor.ts";

/** The part of a write session that stores files; a `WriteSession` fits. */
export interface FileStoringSession {
  readonly contents: Pick<ContentWriter, "settle" | "hashContents">;
  readonly objects: Pick<ObjectWriterStore, "createWriter" | "writeObject" | "concatenate">;
}

/** An executor that works on the calling thread, one file after the other. */
export function createInlineExecutor(session: FileStoringSession): UploadExecutor {
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  let busy: Promise<unknown> = Promise.resolve();
  return {
    concurrency: 1,
    execute(batch, observer) {
      // One at a time: the buffer is shared by all.
      const result = busy.then(() => new BatchRun({ session, buffer, batch, observer }).run());
      busy = result.catch(() => undefined);
      return result;
    },
  };
}

const READ_BUFFER_BYTES = 2 ** 20;
const SETTLE_EVERY_BYTES = 2 ** 25;
/** Small files are read together, so that their bytes can be hashed together. */
const MAX_TOGETHER_ITEMS = 128;
const MAX_TOGETHER_BYTES = 2 ** 19;
const MAX_TOGETHER_FILE_BYTES = 2 ** 18;

/** A file of several that were read together: its bytes, or why it could not be read. */
type ReadTogether = { readonly data: Uint8Array } | { readonly failure: UploadItemResult };

class BatchRun {
  readonly #session: FileStoringSession;
  readonly #buffer: Buffer;
  readonly #batch: UploadBatch;
  readonly #observer: UploadBatchObserver;
  readonly #options: readonly ObjectWriterOptions[];
  #unsettledBytes = 0;
  #stopped = false;

  constructor(work: {
    session: FileStoringSession;
    buffer: Buffer;
    batch: UploadBatch;
    observer: UploadBatchObserver;
  }) {
    this.#session = work.session;
    this.#buffer = work.buffer;
    this.#batch = work.batch;
    this.#observer = work.observer;
    this.#options = work.batch.settings.map(writerOptions);
  }

  async run(): Promise<readonly UploadItemResult[]> {
    const results: UploadItemResult[] = [];
    const { items } = this.#batch;
    while (results.length < items.length) {
      const index = results.length;
      this.#storeTogether(results);
      if (results.length === index) {
        const result = this.#stopped ? SKIPPED : this.#store(items[index] as UploadItem, index);
        // Awaiting only what is a promise: most files are small, and cost none.
        results.push(result instanceof Promise ? await result : result);
      }
      if (this.#unsettledBytes >= SETTLE_EVERY_BYTES) await this.#settle();
    }
    await this.#settle();
    return results;
  }

  /** Stores the small files that come next, if any, and adds what became of them. */
  #storeTogether(results: UploadItemResult[]): void {
    const { items } = this.#batch;
    const start = results.length;
    const read = this.#stopped ? [] : this.#readTogether(start);
    const datas = read.flatMap((file) => ("data" in file ? [file.data] : []));
    const hashes = datas.length < 2 ? undefined : this.#session.contents.hashContents?.(datas);
    let hashed = 0;
    for (const [i, file] of read.entries()) {
      if ("failure" in file) {
        results.push(file.failure);
        continue;
      }
      const hash = hashes?.[hashed++];
      const item = items[start + i] as UploadItem;
      results.push(this.#stopped ? SKIPPED : this.#storeRead(item, file.data, hash));
    }
  }

  /** Reads small files from `start` on, one behind the other, until the next is none, or has no room. */
  #readTogether(start: number): readonly ReadTogether[] {
    const { items } = this.#batch;
    const read: ReadTogether[] = [];
    let usedBytes = 0;
    for (let index = start; read.length < MAX_TOGETHER_ITEMS; index++) {
      const item = items[index];
      if (item === undefined || !this.#isSmall(item)) break;
      if (usedBytes + item.sizeBytes > MAX_TOGETHER_BYTES) break;
      const file = this.#readSmall(item, usedBytes);
      if (file === undefined) break;
      read.push(file);
      if ("data" in file) usedBytes += file.data.length;
    }
    return read;
  }

  #isSmall(item: UploadItem): boolean {
    const partBytes = this.#settingsOf(item).parallelUploadAboveSizeBytes;
    const isInParts = partBytes > 0 && item.sizeBytes > partBytes;
    return item.kind === "file" && item.sizeBytes <= MAX_TOGETHER_FILE_BYTES && !isInParts;
  }

  /** `undefined` when the file has grown beyond what was listed. */
  #readSmall(item: UploadItem, offsetBytes: number): ReadTogether | undefined {
    try {
      const fd = openSourceFile(item);
      try {
        const endBytes = offsetBytes + item.sizeBytes;
        // One byte more, so that a file that has grown is noticed.
        const room = this.#buffer.subarray(0, endBytes + 1);
        let filledBytes = offsetBytes;
        for (;;) {
          const place = { buffer: room, offset: filledBytes, position: null };
          const readBytes = readSourceFile(item, fd, place);
          filledBytes += readBytes;
          if (filledBytes > endBytes) return undefined;
          // A short read that ends where the listing said spares the read that would return nothing.
          if (readBytes === 0 || filledBytes === endBytes) break;
        }
        return { data: room.subarray(offsetBytes, filledBytes) };
      } finally {
        closeSourceFile(fd);
      }
    } catch (error) {
      return { failure: readFailure(error) };
    }
  }

  #storeRead(item: UploadItem, data: Uint8Array, hash: Uint8Array | undefined): UploadItemResult {
    const options = this.#optionsOf(item);
    const objectId = this.#session.objects.writeObject(
      data,
      hash === undefined ? options : { ...options, hash },
    );
    this.#count(data.length);
    return { objectId, sizeBytes: data.length, partCount: 1 };
  }

  async #settle(partial?: { item: number; checkpoint: () => Promise<ObjectId> }): Promise<void> {
    this.#unsettledBytes = 0;
    await this.#session.contents.settle();
    await this.#observer.pause(partial);
  }

  #store(item: UploadItem, index: number): UploadItemResult | Promise<UploadItemResult> {
    try {
      return item.kind === "symlink" ? this.#storeLink(item) : this.#storeFile(item, index);
    } catch (error) {
      return readFailure(error);
    }
  }

  #storeLink(item: UploadItem): UploadItemResult {
    let target: Buffer;
    try {
      target = readlinkSync(nodePath(item.path), { encoding: "buffer" });
    } catch (error) {
      const path = displayPath(item.path);
      throw new SourceReadError(`unable to read symlink: readlink ${path}: ${errnoText(error)}`);
    }
    const { metadataCompressionHeaderId = 0 } = this.#optionsOf(item);
    const objectId = this.#session.objects.writeObject(target, { metadataCompressionHeaderId });
    this.#count(target.length);
    return { objectId, sizeBytes: target.length, partCount: 1 };
  }

  #storeFile(item: UploadItem, index: number): UploadItemResult | Promise<UploadItemResult> {
    const partBytes = this.#settingsOf(item).parallelUploadAboveSizeBytes;
    const fd = openSourceFile(item);
    let isHandedOn = false;
    try {
      if (partBytes > 0 && item.sizeBytes > partBytes) {
        isHandedOn = true;
        return this.#storeParts({ item, index, fd, partBytes });
      }
      const small = this.#storeSmall(item, fd);
      if (small !== undefined) return small;
      isHandedOn = true;
      return this.#storeLarge({ item, index, fd });
    } finally {
      if (!isHandedOn) closeSourceFile(fd);
    }
  }

  /** Stores a file that fits into the buffer; `undefined` when it does not. */
  #storeSmall(item: UploadItem, fd: number): UploadItemResult | undefined {
    const buffer = this.#buffer;
    if (item.sizeBytes >= buffer.length) return undefined;
    let lengthBytes = 0;
    for (;;) {
      const readBytes = readSourceFile(item, fd, { buffer, offset: lengthBytes, position: null });
      lengthBytes += readBytes;
      if (lengthBytes === buffer.length) return undefined;
      // A short read that ends where the listing said spares the read that would return nothing.
      if (readBytes === 0 || lengthBytes === item.sizeBytes) break;
    }
    const objectId = this.#session.objects.writeObject(
      buffer.subarray(0, lengthBytes),
      this.#optionsOf(item),
    );
    this.#count(lengthBytes);
    return { objectId, sizeBytes: lengthBytes, partCount: 1 };
  }

  async #storeLarge(file: OpenItem): Promise<UploadItemResult> {
    try {
      const writer = this.#session.objects.createWriter(this.#optionsOf(file.item));
      const partial = { item: file.index, checkpoint: () => Promise.resolve(writer.checkpoint()) };
      const done = await this.#copy(file, { writer, partial, start: 0, end: Infinity });
      if (!done) return SKIPPED;
      const sizeBytes = writer.lengthBytes;
      return { objectId: writer.finish(), sizeBytes, partCount: 1 };
    } catch (error) {
      return readFailure(error);
    } finally {
      closeSourceFile(file.fd);
    }
  }

  /** Parts of a very large file, each with its own splitter, joined afterwards (spec 2 §7.4). */
  async #storeParts(file: OpenItem & { partBytes: number }): Promise<UploadItemResult> {
    const { item, partBytes } = file;
    const { objects } = this.#session;
    const options = this.#optionsOf(item);
    const partCount = Math.floor(item.sizeBytes / partBytes) + 1;
    const partIds: ObjectId[] = [];
    let sizeBytes = 0;
    try {
      for (let part = 0; part < partCount; part++) {
        const writer = objects.createWriter(options);
        const checkpoint = (): Promise<ObjectId> => this.#joinParts(partIds, writer, options);
        const end = part === partCount - 1 ? Infinity : (part + 1) * partBytes;
        const range = {
          writer,
          partial: { item: file.index, checkpoint },
          start: part * partBytes,
        };
        if (!(await this.#copy(file, { ...range, end }))) return SKIPPED;
        sizeBytes += writer.lengthBytes;
        partIds.push(writer.finish());
      }
      const objectId = await objects.concatenate(partIds, options.metadataCompressionHeaderId);
      return { objectId, sizeBytes, partCount };
    } catch (error) {
      return readFailure(error);
    } finally {
      closeSourceFile(file.fd);
    }
  }

  async #joinParts(
    finished: readonly ObjectId[],
    writer: ObjectWriter,
    options: ObjectWriterOptions,
  ): Promise<ObjectId> {
    const current = writer.checkpoint();
    const ids = current === "" ? finished : [...finished, current];
    if (ids.length === 0) return "";
    return await this.#session.objects.concatenate(ids, options.metadataCompressionHeaderId);
  }

  /** Copies a range of the file into the writer. False when the upload was stopped. */
  async #copy(file: OpenItem, range: CopyRange): Promise<boolean> {
    const buffer = this.#buffer;
    let position = range.start;
    while (position < range.end) {
      const wanted = Math.min(buffer.length, range.end - position);
      const piece = wanted === buffer.length ? buffer : buffer.subarray(0, wanted);
      const readBytes = readSourceFile(file.item, file.fd, { buffer: piece, offset: 0, position });
      if (readBytes === 0) break;
      range.writer.write(piece.subarray(0, readBytes));
      position += readBytes;
      this.#count(readBytes);
      if (this.#stopped) return false;
      if (this.#unsettledBytes >= SETTLE_EVERY_BYTES) await this.#settle(range.partial);
    }
    return true;
  }

  #count(lengthBytes: number): void {
    this.#unsettledBytes += lengthBytes;
    if (!this.#observer.readBytes(lengthBytes)) this.#stopped = true;
  }

  #settingsOf(item: UploadItem): UploadSettings {
    return this.#batch.settings[item.settings] as UploadSettings;
  }

  #optionsOf(item: UploadItem): ObjectWriterOptions {
    return this.#options[item.settings] as ObjectWriterOptions;
  }
}

interface OpenItem {
  readonly item: UploadItem;
  readonly index: number;
  readonly fd: number;
}

interface CopyRange {
  readonly writer: ObjectWriter;
  readonly partial: { item: number; checkpoint: () => Promise<ObjectId> };
  readonly start: number;
  readonly end: number;
}

const SKIPPED: UploadItemResult = { skipped: true };

/** How objects of files with these settings are written. */
export function writerOptions(settings: UploadSettings): ObjectWriterOptions {
  const { compressionHeaderId, metadataCompressionHeaderId, splitter } = settings;
  const options = { compressionHeaderId, metadataCompressionHeaderId };
  return splitter === "" ? options : { ...options, splitter };
}
