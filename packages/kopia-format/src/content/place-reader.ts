import type { Bytes } from "../base/bytes.ts";
import type { BlobStorage } from "../blob/storage.ts";
import type { ContentCodec } from "./content-codec.ts";
import { CONTENT_IV_BYTES } from "./content-id.ts";
import { PLACE, type ContentPlacesParts } from "./index/content-places.ts";

/** Longest range of several contents that is read at once; it stays in the processor's cache. */
const MAX_RANGE_BYTES = 2 ** 20;
/** Gaps up to this cost less to read than to skip. */
const MAX_GAP_BYTES = 2 ** 16;

/** Local storage that can be read without a promise. */
export type LocalStorage = Required<Pick<BlobStorage, "readInto">>;

/**
 * Takes the bytes of a content; `undefined` when they could not be read, for whatever reason. The bytes are the
 * receiver's alone.
 * @returns false to stop.
 */
export type VisitContent = (number: number, data: Bytes | undefined) => boolean;

/**
 * Reads many contents whose places are known, in the order of packs and offsets, neighbours in one range (design
 * §4.6), without a promise or an object for each: for threads, which have no index. It explains no failure and knows
 * nothing of packs that were rewritten meanwhile; a `ContentReader` is asked again for what is not read here.
 */
export class PlaceReader {
  readonly #storage: LocalStorage;
  readonly #codec: ContentCodec;
  #buffer: Bytes = new Uint8Array(MAX_RANGE_BYTES);

  constructor(storage: LocalStorage, codec: ContentCodec) {
    this.#storage = storage;
    this.#codec = codec;
  }

  /** Calls `visit` once for each place. */
  read(places: ContentPlacesParts, visit: VisitContent): void {
    const { numbers } = places;
    const order = readingOrder(places);
    for (let first = 0; first < order.length;) {
      const at = (order[first] as number) * PLACE.size;
      const pack = numbers[at + PLACE.pack] as number;
      const start = numbers[at + PLACE.packOffset] as number;
      let end = start + (numbers[at + PLACE.packedLength] as number);
      let next = first + 1;
      for (; next < order.length; next++) {
        const place = (order[next] as number) * PLACE.size;
        const offset = numbers[place + PLACE.packOffset] as number;
        const placeEnd = offset + (numbers[place + PLACE.packedLength] as number);
        if (numbers[place + PLACE.pack] !== pack || offset - end > MAX_GAP_BYTES) break;
        if (placeEnd - start > MAX_RANGE_BYTES) break;
        end = Math.max(end, placeEnd);
      }
      const packed = this.#readRange(places.packBlobIds[pack] as string, start, end - start);
      for (; first < next; first++) {
        const number = order[first] as number;
        const data = packed && this.#unpack(places, number, { packed, start });
        if (!visit(number, data)) return;
      }
    }
  }

  #readRange(packBlobId: string, offsetBytes: number, lengthBytes: number): Bytes | undefined {
    try {
      this.#storage.readInto(packBlobId, { offsetBytes, lengthBytes }, (length) => {
        if (length > this.#buffer.length) this.#buffer = new Uint8Array(length);
        return this.#buffer.subarray(0, length);
      });
      return this.#buffer.subarray(0, lengthBytes);
    } catch {
      return undefined;
    }
  }

  #unpack(
    places: ContentPlacesParts,
    number: number,
    run: { readonly packed: Bytes; readonly start: number },
  ): Bytes | undefined {
    const { numbers, keys, keyLength } = places;
    const at = number * PLACE.size;
    const offset = (numbers[at + PLACE.packOffset] as number) - run.start;
    const keyEnd = (number + 1) * keyLength;
    // Shorter hashes have no IV.
    if (keyLength < 1 + CONTENT_IV_BYTES) return undefined;
    try {
      return this.#codec.unpack(
        run.packed.subarray(offset, offset + (numbers[at + PLACE.packedLength] as number)),
        keys.subarray(keyEnd - CONTENT_IV_BYTES, keyEnd),
        {
          compressionHeaderId: numbers[at + PLACE.compressionHeaderId] as number,
          encryptionKeyId: numbers[at + PLACE.encryptionKeyId] as number,
          originalLength: numbers[at + PLACE.originalLength] as number,
        },
      );
    } catch {
      return undefined;
    }
  }
}

/** Numbers of the places by pack and offset; packs in the order of their first place. */
function readingOrder({ count, numbers }: ContentPlacesParts): Uint32Array {
  const order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  return order.sort((a, b) => {
    const left = a * PLACE.size;
    const right = b * PLACE.size;
    const packs = (numbers[left + PLACE.pack] as number) - (numbers[right + PLACE.pack] as number);
    if (packs !== 0) return packs;
    return (
      (numbers[left + PLACE.packOffset] as number) - (numbers[right + PLACE.packOffset] as number)
    );
  });
}
