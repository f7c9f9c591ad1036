import {
  KopiaError,
  errorFromWire,
  releaseBytes,
  type ContentId,
  type ContentPlacesParts,
  type ContentReader,
  type ObjectPiece,
} from "@kopia-engine/kopia-format";
import { writeFilePiece } from "./local-file-bytes.ts";
import type { RestoreJob, RestoreJobResult } from "./restore-job.ts";
import { pathOf, type RestoreItem } from "./restore-item.ts";
import type { LentFile, OutputFile, RestoreOutput } from "./restore-output.ts";

/** Pieces of a job are about this long together. */
const JOB_BYTES = 2 ** 23;

/** A piece, and the number of its content among those of the job. */
interface PlacedPiece {
  readonly place: number;
  readonly piece: ObjectPiece;
}

/** A large file whose pieces threads write at their offsets. */
export class FileInPieces {
  readonly item: RestoreItem;
  /** Jobs whose results are still to come. */
  pendingCount = 0;
  /** All jobs were handed out. */
  isPushed = false;
  /** Pieces that no thread could read. */
  readonly unread: ObjectPiece[] = [];
  readonly #file: OutputFile;
  readonly #lent: LentFile;
  readonly #lengthBytes: number;
  readonly #parts = new Map<ContentPlacesParts, readonly PlacedPiece[]>();
  #error: unknown;

  private constructor(item: RestoreItem, file: OutputFile, lengthBytes: number) {
    this.item = item;
    this.#file = file;
    this.#lengthBytes = lengthBytes;
    const lent = file.lend?.();
    if (lent === undefined) throw new TypeError("this output has no files that threads can write");
    this.#lent = lent;
  }

  /** Creates the file. @throws as `RestoreOutput.openFile`. */
  static open(
    output: RestoreOutput,
    item: RestoreItem,
    pieces: readonly ObjectPiece[],
  ): FileInPieces {
    const last = pieces.at(-1);
    const lengthBytes = last === undefined ? 0 : last.offsetBytes + last.lengthBytes;
    return new FileInPieces(item, output.openFile(item.task?.output, item.entry), lengthBytes);
  }

  jobOf(places: ContentPlacesParts, part: readonly PlacedPiece[]): RestoreJob {
    const lengths = new Float64Array(places.count);
    for (const { place, piece } of part) lengths[place] = piece.lengthBytes;
    this.#parts.set(places, part);
    return {
      kind: "pieces",
      path: pathOf(this.item.task, this.item.entry),
      places,
      ...this.#lent,
      pieces: part.map(({ place, piece }) => ({ place, offsetBytes: piece.offsetBytes })),
      lengths,
    };
  }

  take(places: ContentPlacesParts, result: RestoreJobResult): void {
    const part = this.#parts.get(places) ?? [];
    this.#parts.delete(places);
    this.pendingCount--;
    for (const number of result.unread) this.unread.push((part[number] as PlacedPiece).piece);
    for (const { error } of result.failed) this.#error ??= errorFromWire(error);
  }

  /**
   * Reads what threads could not, and ends the file.
   * @returns the bytes that were still to be written.
   * @throws the first error of the file, which is then closed, and removed where it was new.
   */
  async finish(contents: ContentReader): Promise<number> {
    let writtenBytes = 0;
    try {
      if (this.#error !== undefined) throw this.#error;
      for (const piece of this.unread.toSorted((a, b) => a.offsetBytes - b.offsetBytes)) {
        writtenBytes += await this.#writePiece(contents, piece);
      }
      this.#file.wroteUpTo?.(this.#lengthBytes);
      this.#file.finish();
    } catch (error) {
      this.abort();
      throw error;
    }
    return writtenBytes;
  }

  /** Closes the file, and removes it where it was new. No thread may be writing to it any more. */
  abort(): void {
    this.#file.abort();
  }

  async #writePiece(contents: ContentReader, piece: ObjectPiece): Promise<number> {
    const { offsetBytes, lengthBytes, contentId } = piece;
    const bytes = await contents.getContent(contentId);
    if (bytes.length !== lengthBytes) {
      const { objectId } = this.item.entry;
      throw new KopiaError(
        "OBJECT_CORRUPT",
        `object ${objectId} cannot be read: content ${contentId} at offset ${offsetBytes} has ${bytes.length} bytes, expected ${lengthBytes}`,
        { details: { objectId } },
      );
    }
    writeFilePiece(this.#lent.fd, { bytes, offsetBytes }, this.#lent.isSparse);
    releaseBytes(bytes);
    return lengthBytes;
  }
}

/** Cuts pieces into jobs; a content that a job needs several times is read once. */
export function* pieceJobs(
  pieces: readonly ObjectPiece[],
): Generator<{ readonly pieces: readonly PlacedPiece[]; readonly placeIds: readonly ContentId[] }> {
  let part: PlacedPiece[] = [];
  let places = new Map<ContentId, number>();
  let bytes = 0;
  for (const piece of pieces) {
    if (piece.lengthBytes === 0) continue;
    const place = places.get(piece.contentId) ?? places.size;
    places.set(piece.contentId, place);
    part.push({ place, piece });
    bytes += piece.lengthBytes;
    if (bytes < JOB_BYTES) continue;
    yield { pieces: part, placeIds: [...places.keys()] };
    part = [];
    places = new Map();
    bytes = 0;
  }
  if (part.length > 0) yield { pieces: part, placeIds: [...places.keys()] };
}
