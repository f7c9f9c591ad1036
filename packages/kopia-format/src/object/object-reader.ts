import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { ObjectId } from "./object-id.ts";
import type { ObjectPiece, ObjectReader } from "./object-store.ts";

/** Fetches one piece, already checked against its length. */
export type ReadPiece = (piece: ObjectPiece) => Promise<Bytes>;

/** Reader over a list of contents (spec 2 §2.8). Keeps the piece read last. */
export class PieceReader implements ObjectReader {
  readonly id: ObjectId;
  readonly lengthBytes: number;
  readonly #pieces: readonly ObjectPiece[];
  readonly #readPiece: ReadPiece;
  #cached: { readonly piece: ObjectPiece; readonly data: Bytes } | undefined;

  constructor(
    id: ObjectId,
    pieces: readonly ObjectPiece[],
    readPiece: ReadPiece,
    firstPiece?: Bytes,
  ) {
    const last = pieces.at(-1);
    this.id = id;
    this.lengthBytes = last === undefined ? 0 : last.offsetBytes + last.lengthBytes;
    this.#pieces = pieces;
    this.#readPiece = readPiece;
    const first = pieces[0];
    if (firstPiece !== undefined && first !== undefined) {
      this.#cached = { piece: first, data: firstPiece };
    }
  }

  async read(offsetBytes: number, lengthBytes: number): Promise<Bytes> {
    assertSize("offsetBytes", offsetBytes);
    assertSize("lengthBytes", lengthBytes);
    const end = Math.min(this.lengthBytes, offsetBytes + lengthBytes);
    if (offsetBytes >= end) return new Uint8Array(0);
    const result = new Uint8Array(end - offsetBytes);
    let index = this.#pieceIndexAt(offsetBytes);
    let filled = 0;
    while (filled < result.length) {
      // The pieces join and reach to lengthBytes, so there is one.
      const piece = this.#pieces[index++] as ObjectPiece;
      if (piece.lengthBytes === 0) continue;
      const data = await this.#load(piece);
      const from = offsetBytes + filled - piece.offsetBytes;
      const part = data.subarray(from, Math.min(data.length, from + result.length - filled));
      result.set(part, filled);
      filled += part.length;
    }
    return result;
  }

  async *chunks(): AsyncIterable<Bytes> {
    for (const piece of this.#pieces) yield await this.#load(piece, { keep: false });
  }

  async #load(piece: ObjectPiece, options: { keep: boolean } = { keep: true }): Promise<Bytes> {
    if (this.#cached?.piece === piece) return this.#cached.data;
    const data = await this.#readPiece(piece);
    if (options.keep) this.#cached = { piece, data };
    return data;
  }

  /** First piece that ends after the offset; zero-length pieces never do. */
  #pieceIndexAt(offsetBytes: number): number {
    let low = 0;
    let high = this.#pieces.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const piece = this.#pieces[middle] as ObjectPiece;
      if (piece.offsetBytes + piece.lengthBytes > offsetBytes) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function assertSize(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new KopiaError("ARGUMENT_INVALID", `${name} ${value} is not a non-negative integer`);
}
