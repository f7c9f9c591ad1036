import type {
  ContentWriter,
  ObjectCutter,
  ObjectId,
  ObjectWriterOptions,
  ObjectWriterStore,
  StoredPiece,
} from "@kopia-engine/kopia-format";
import type { FilePiece, FilePieceResult, FilePieceWriter } from "./file-piece.ts";
import { writerOptions } from "./inline-executor.ts";
import { closeSourceFile, openSourceFile, readFailure, readSourceFile } from "./source-file.ts";
import type {
  UploadBatchObserver,
  UploadItem,
  UploadItemResult,
  UploadSettings,
} from "./upload-executor.ts";

/** What one large file is stored with. */
export interface LargeFileWork {
  readonly contents: Pick<ContentWriter, "settle">;
  readonly objects: Pick<ObjectWriterStore, "createCutter" | "joinPieces">;
  readonly item: UploadItem;
  readonly settings: UploadSettings;
  readonly observer: UploadBatchObserver;
  /** Gives a piece to a thread that has room for it; `undefined` when none has. */
  readonly offer: (piece: FilePiece) => Promise<FilePieceResult> | undefined;
  /** Stores the pieces that no thread takes. */
  readonly writer: FilePieceWriter;
}

/** A file of this size goes alone, so that small ones never wait for it before a checkpoint can hold them. */
const LARGE_FILE_BYTES = 2 ** 24;
const SCAN_BUFFER_BYTES = 2 ** 20;
const PAUSE_EVERY_BYTES = 2 ** 25;

/** Whether a file is to be a batch of its own, which several threads may work on: long, or stored in parts. */
export function isLargeFile(item: UploadItem, settings: readonly UploadSettings[]): boolean {
  const partBytes = settings[item.settings]?.parallelUploadAboveSizeBytes ?? 0;
  const isInParts = partBytes > 0 && item.sizeBytes > partBytes;
  return item.kind === "file" && (isInParts || item.sizeBytes >= LARGE_FILE_BYTES);
}

/**
 * Stores one large file by several threads: this one finds where its contents begin and end (spec 2
 * §1), and each content is read again, hashed, compressed and encrypted by whoever is free. Very large
 * files are cut in parts, each with a splitter of its own, as the settings say (spec 2 §7.4).
 */
export async function storeLargeFile(work: LargeFileWork): Promise<UploadItemResult> {
  let fd: number;
  try {
    fd = openSourceFile(work.item);
  } catch (error) {
    return readFailure(error);
  }
  const file = new LargeFile(work, fd);
  try {
    return await file.store();
  } catch (error) {
    return readFailure(error);
  } finally {
    // Threads read from the same open file.
    await file.settled();
    closeSourceFile(fd);
  }
}

class LargeFile {
  readonly #work: LargeFileWork;
  readonly #fd: number;
  readonly #options: ObjectWriterOptions;
  readonly #pieces: Promise<FilePieceResult>[] = [];
  readonly #plannedBytes: number[] = [];
  readonly #buffer = new Uint8Array(SCAN_BUFFER_BYTES);
  #cutBytes = 0;
  #unsettledBytes = 0;

  constructor(work: LargeFileWork, fd: number) {
    this.#work = work;
    this.#fd = fd;
    this.#options = writerOptions(work.settings);
  }

  async store(): Promise<UploadItemResult> {
    const { item, settings, objects } = this.#work;
    const partBytes = settings.parallelUploadAboveSizeBytes;
    const isInParts = partBytes > 0 && item.sizeBytes > partBytes;
    const partCount = isInParts ? Math.floor(item.sizeBytes / partBytes) + 1 : 1;
    const cutter = objects.createCutter(this.#options);
    if (cutter === undefined) throw new Error("objects of this repository have no cutter");
    for (let part = 0; part < partCount; part++) {
      const end = part === partCount - 1 ? Infinity : (part + 1) * partBytes;
      if (!(await this.#storeRange(cutter, { start: part * partBytes, end }))) return SKIPPED;
    }
    const pieces = await this.#storedPieces();
    if ("error" in pieces) return pieces;
    const sizeBytes = pieces.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    return { objectId: objects.joinPieces(pieces, this.#options), sizeBytes, partCount };
  }

  /** Resolves when nothing reads the file any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#pieces);
  }

  /** Cuts a range of the file and has its pieces stored. False when the upload was stopped. */
  async #storeRange(
    cutter: ObjectCutter,
    range: { readonly start: number; readonly end: number },
  ): Promise<boolean> {
    const { item, observer } = this.#work;
    this.#cutBytes = range.start;
    for (let position = range.start; position < range.end;) {
      const wanted = Math.min(this.#buffer.length, range.end - position);
      const buffer = this.#buffer.subarray(0, wanted);
      const readBytes = readSourceFile(item, this.#fd, { buffer, offset: 0, position });
      if (readBytes === 0) break;
      position += readBytes;
      await this.#takePieces(cutter.push(buffer.subarray(0, readBytes)));
      if (!observer.readBytes(readBytes)) return false;
      this.#unsettledBytes += readBytes;
      if (this.#unsettledBytes >= PAUSE_EVERY_BYTES) await this.#pause();
    }
    await this.#takePieces(cutter.finish());
    return true;
  }

  async #takePieces(lengths: readonly number[]): Promise<void> {
    const { item, settings, offer, writer } = this.#work;
    for (const lengthBytes of lengths) {
      const piece: FilePiece = {
        fd: this.#fd,
        path: item.path,
        offsetBytes: this.#cutBytes,
        lengthBytes,
        compressionHeaderId: settings.compressionHeaderId,
      };
      this.#cutBytes += lengthBytes;
      const stored = offer(piece) ?? Promise.resolve(writer.store(piece));
      // Whoever waits for it is told; until then it must not count as unhandled.
      stored.catch(() => undefined);
      this.#pieces.push(stored);
      this.#plannedBytes.push(lengthBytes);
      await nextTurn();
    }
  }

  async #pause(): Promise<void> {
    const { contents, observer } = this.#work;
    this.#unsettledBytes = 0;
    await contents.settle();
    await observer.pause({ item: 0, checkpoint: () => this.#checkpoint() });
  }

  /** The object over what has been stored so far. */
  async #checkpoint(): Promise<ObjectId> {
    if (this.#pieces.length === 0) return "";
    const pieces = await this.#storedPieces();
    return "error" in pieces ? "" : this.#work.objects.joinPieces(pieces, this.#options);
  }

  async #storedPieces(): Promise<readonly StoredPiece[] | { readonly error: string }> {
    const stored: StoredPiece[] = [];
    for (const [i, result] of (await Promise.all(this.#pieces)).entries()) {
      if ("error" in result) return result;
      // Nothing is left of a piece when the file was cut off before it.
      const isGone = result.lengthBytes === 0 && this.#plannedBytes[i] !== 0;
      if (!isGone || stored.length === 0) stored.push(result);
    }
    return stored;
  }
}

const SKIPPED: UploadItemResult = { skipped: true };

/** Lets threads tell that they are done. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
