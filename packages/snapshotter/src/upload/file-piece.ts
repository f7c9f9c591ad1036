import type { ContentId, ContentWriter } from "@kopia-engine/kopia-format";
import { SourceReadError, readSourceFile } from "./source-file.ts";

/** A range of an open file that is to be one content. Plain data: threads share open files. */
export interface FilePiece {
  readonly fd: number;
  /** For messages. */
  readonly path: string | Uint8Array;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Header ID of the compressor, 0 for none. */
  readonly compressionHeaderId: number;
}

/** What became of a piece: shorter than it was to be when the file was cut off meanwhile. */
export type FilePieceResult =
  | { readonly contentId: ContentId; readonly lengthBytes: number }
  /** Kopia's error text (spec 2 §6.7). */
  | { readonly error: string };

/** Stores pieces of files, one after the other, in memory that is reused. */
export class FilePieceWriter {
  readonly #contents: Pick<ContentWriter, "writeContent">;
  #buffer = new Uint8Array(0);

  constructor(contents: Pick<ContentWriter, "writeContent">) {
    this.#contents = contents;
  }

  /** @throws KopiaError when the repository cannot be written. */
  store(piece: FilePiece): FilePieceResult {
    const { fd, offsetBytes, lengthBytes, compressionHeaderId } = piece;
    if (this.#buffer.length < lengthBytes) {
      // The old one is given back at once; doubling keeps the number of new ones small.
      const { length } = this.#buffer;
      this.#buffer.buffer.transfer(0);
      this.#buffer = new Uint8Array(Math.max(lengthBytes, 2 * length));
    }
    const buffer = this.#buffer.subarray(0, lengthBytes);
    let filledBytes = 0;
    try {
      while (filledBytes < lengthBytes) {
        const position = offsetBytes + filledBytes;
        const into = { buffer, offset: filledBytes, position };
        const readBytes = readSourceFile(piece, fd, into);
        if (readBytes === 0) break;
        filledBytes += readBytes;
      }
    } catch (error) {
      if (error instanceof SourceReadError) return { error: error.message };
      throw error;
    }
    const data = buffer.subarray(0, filledBytes);
    const contentId = this.#contents.writeContent(data, { compressionHeaderId });
    return { contentId, lengthBytes: filledBytes };
  }
}
