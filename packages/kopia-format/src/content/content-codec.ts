import type { Bytes } from "../base/bytes.ts";
import { KopiaError, errorMessage, isKopiaError } from "../base/errors.ts";
import { releaseBytes } from "../base/release-bytes.ts";
import type { Compressor } from "../compression/compressor.ts";
import { compressorByHeaderId } from "../compression/registry.ts";
import type { Encryptor } from "../encryption/encryptor.ts";
import type { ContentFormat } from "../format/repository-format.ts";
import type { ContentEntry } from "./content-entry.ts";
import { contentIv } from "./content-id.ts";
import type { PackWriter } from "./pack/pack-writer.ts";

/** Lengths in an index stay below this (spec 1 §7.3). */
export const MAX_CONTENT_BYTES = 2 ** 28;
/** In front of every compressed content: its header ID (spec 1 §5.1). */
export const COMPRESSION_HEADER_BYTES = 4;
/** `lz4`: the current Kopia cannot read it, so it is written on request only (spec 1 §13, trap 31). */
export const LZ4_HEADER_ID = 0x1400;

const MIN_ROOM_BYTES = 2 ** 17;

/** Longer contents are encrypted where they were compressed, so that no pack buffer grows to their length. */
const MIN_DIRECT_BYTES = 2 ** 18;

/** Decrypting shorter contents in place saves nothing. */
const MIN_IN_PLACE_BYTES = 2 ** 18;

/** A content as it will be encrypted. */
export interface StoredForm {
  readonly bytes: Uint8Array;
  /** 0 when kept as it was. */
  readonly compressionHeaderId: number;
}

/** What an index says of the bytes of a content. */
export type PackedForm = Pick<
  ContentEntry,
  "compressionHeaderId" | "encryptionKeyId" | "originalLength"
>;

/** From the bytes of a content to those in a pack and back: compression and encryption (spec 1 §4.3, §5). */
export class ContentCodec {
  readonly #encryptor: Encryptor;
  readonly #indexVersion: number;
  /** Whether contents may be compressed with `lz4`. */
  readonly writesLz4: boolean;
  /** Error correction adds a varying number of bytes, so its output cannot be placed beforehand. */
  readonly #hasFixedOverhead: boolean;
  readonly #compressors = new Map<number, Compressor>();
  /** Where contents are compressed, and long ones encrypted, with room for what comes in front; reused. */
  #room: Bytes = new Uint8Array(0);

  constructor(
    encryptor: Encryptor,
    format: ContentFormat,
    options: { readonly writeLz4?: boolean | undefined } = {},
  ) {
    this.writesLz4 = options.writeLz4 ?? false;
    this.#encryptor = encryptor;
    this.#indexVersion = format.indexVersion;
    this.#hasFixedOverhead = format.ecc === "" || format.eccOverheadPercent === 0;
  }

  /**
   * The compressor to use for a request (spec 1 §5.3 steps 1, 2, 4), `undefined` for none.
   * @throws KopiaError `ALGORITHM_UNKNOWN`, `FORMAT_UNSUPPORTED` when the index cannot record compression.
   */
  compressorFor(requestedHeaderId: number, prefix: string): Compressor | undefined {
    if (requestedHeaderId === 0) return undefined;
    if (this.#indexVersion < 2) {
      if (prefix !== "") return undefined;
      throw new KopiaError(
        "FORMAT_UNSUPPORTED",
        `contents cannot be compressed with index version ${this.#indexVersion}; version 2 is needed`,
      );
    }
    if (requestedHeaderId === LZ4_HEADER_ID && !this.writesLz4) {
      throw new KopiaError(
        "ALGORITHM_UNKNOWN",
        "lz4 is read but not written, as the current Kopia could not read it; open with `writeLz4` to write it",
      );
    }
    return this.#compressor(requestedHeaderId);
  }

  /**
   * Compresses when that makes the content shorter, header included (spec 1 §5.3 step 3). The bytes are
   * valid until the next call.
   */
  toStoredForm(data: Uint8Array, compressor: Compressor | undefined): StoredForm {
    if (compressor === undefined || data.length <= COMPRESSION_HEADER_BYTES) {
      return { bytes: data, compressionHeaderId: 0 };
    }
    const reused = this.#compressIntoRoom(data, compressor);
    if (reused !== undefined) return reused;
    const stream = compressor.compress(data);
    if (COMPRESSION_HEADER_BYTES + stream.length >= data.length) {
      return { bytes: data, compressionHeaderId: 0 };
    }
    const bytes = new Uint8Array(COMPRESSION_HEADER_BYTES + stream.length);
    new DataView(bytes.buffer).setUint32(0, compressor.headerId);
    bytes.set(stream, COMPRESSION_HEADER_BYTES);
    if (stream.buffer !== data.buffer) releaseBytes(stream);
    return { bytes, compressionHeaderId: compressor.headerId };
  }

  /** `undefined` when the compressor needs memory of its own. */
  #compressIntoRoom(data: Uint8Array, compressor: Compressor): StoredForm | undefined {
    if (compressor.compressInto === undefined) return undefined;
    const front = this.#encryptor.inPlaceOffsetBytes ?? 0;
    const streamOffset = front + COMPRESSION_HEADER_BYTES;
    const room = this.#roomFor(streamOffset + data.length + (data.length >> 8) + 256);
    const lengthBytes = compressor.compressInto(data, room, streamOffset);
    if (lengthBytes === undefined) return undefined;
    if (COMPRESSION_HEADER_BYTES + lengthBytes >= data.length) {
      return { bytes: data, compressionHeaderId: 0 };
    }
    new DataView(room.buffer).setUint32(front, compressor.headerId);
    const bytes = room.subarray(front, streamOffset + lengthBytes);
    return { bytes, compressionHeaderId: compressor.headerId };
  }

  #roomFor(neededBytes: number): Bytes {
    if (this.#room.length < neededBytes) {
      releaseBytes(this.#room);
      this.#room = new Uint8Array(Math.max(neededBytes, MIN_ROOM_BYTES));
    }
    return this.#room;
  }

  /**
   * Encrypts and appends to a pack.
   * @param stored as `toStoredForm` gave it last, or bytes of the caller's; the former are lost.
   * @returns the packed length.
   * @throws KopiaError storage errors.
   */
  packInto(
    pack: Pick<PackWriter, "reserve" | "advance" | "append">,
    stored: Uint8Array,
    iv: Uint8Array,
  ): number {
    if (!this.#hasFixedOverhead) {
      const packed = this.#encryptor.encrypt(stored, iv);
      pack.append(packed);
      return packed.length;
    }
    const lengthBytes = stored.length + this.#encryptor.overheadBytes;
    const { inPlaceOffsetBytes } = this.#encryptor;
    if (lengthBytes > MIN_DIRECT_BYTES && inPlaceOffsetBytes !== undefined) {
      // Bytes that are not in the room did not shrink, so that nothing in it is needed.
      const room = stored.buffer === this.#room.buffer ? this.#room : this.#roomFor(lengthBytes);
      const packed = room.subarray(0, lengthBytes);
      this.#encryptor.encryptInto(stored, iv, packed);
      pack.append(packed);
      return lengthBytes;
    }
    this.#encryptor.encryptInto(stored, iv, pack.reserve(lengthBytes));
    pack.advance(lengthBytes);
    return lengthBytes;
  }

  /**
   * The content of its packed bytes (spec 1 §9.6), whose length must be the one in the entry.
   * @throws KopiaError `CONTENT_CORRUPT`, `COMPRESSION_CORRUPT`, `COMPRESSION_LIMIT`,
   *   `ALGORITHM_UNKNOWN`, `FORMAT_UNSUPPORTED`, each naming content, pack and offset.
   */
  decode(entry: ContentEntry, packed: Uint8Array): Bytes {
    const stored = this.decrypt(entry, packed);
    if (entry.compressionHeaderId === 0) return stored;
    try {
      const data = this.#decompress(entry, stored);
      if (data.buffer !== stored.buffer) releaseBytes(stored);
      return data;
    } catch (cause) {
      throw unreadable(entry, cause, "COMPRESSION_CORRUPT");
    }
  }

  /**
   * As `decode`, for callers that have no entry at hand and leave the explanation of a failure to `decode`.
   * @param packed may be overwritten; the result never shares its memory.
   * @throws any error when the bytes are not those of the content.
   */
  unpack(packed: Bytes, iv: Uint8Array, form: PackedForm): Bytes {
    if (form.encryptionKeyId !== 0) {
      throw new KopiaError("FORMAT_UNSUPPORTED", `encryption key ID ${form.encryptionKeyId}`);
    }
    const isInPlace =
      form.compressionHeaderId !== 0 &&
      packed.length >= MIN_IN_PLACE_BYTES &&
      this.#encryptor.decryptInPlace !== undefined;
    if (isInPlace) {
      const stored = this.#encryptor.decryptInPlace?.(packed, iv) ?? packed;
      const data = this.#decompress(form, stored);
      return data.buffer === packed.buffer ? data.slice() : data;
    }
    const stored = this.#encryptor.decrypt(packed, iv);
    if (form.compressionHeaderId === 0) return stored;
    const data = this.#decompress(form, stored);
    if (data.buffer !== stored.buffer) releaseBytes(stored);
    return data;
  }

  /** As `decode`, up to and without decompression: to store a content again as it is. */
  decrypt(entry: ContentEntry, packed: Uint8Array): Bytes {
    if (entry.encryptionKeyId !== 0) {
      const problem = `its encryption key ID is ${entry.encryptionKeyId}, expected 0`;
      throw unreadable(entry, new KopiaError("FORMAT_UNSUPPORTED", problem), "FORMAT_UNSUPPORTED");
    }
    try {
      return this.#encryptor.decrypt(packed, contentIv(entry.contentId));
    } catch (cause) {
      throw unreadable(entry, cause, "CONTENT_CORRUPT");
    }
  }

  #decompress(entry: Omit<PackedForm, "encryptionKeyId">, stored: Bytes): Bytes {
    const compressor = this.#compressor(entry.compressionHeaderId);
    if (stored.length < COMPRESSION_HEADER_BYTES) {
      throw corruptCompression(`${stored.length} bytes have no room for the header`);
    }
    const header = new DataView(stored.buffer, stored.byteOffset).getUint32(0);
    if (header !== entry.compressionHeaderId) {
      throw corruptCompression(
        `its header is ${hex(header)}, the index says ${hex(entry.compressionHeaderId)}`,
      );
    }
    const data = compressor.decompress(
      stored.subarray(COMPRESSION_HEADER_BYTES),
      entry.originalLength,
    );
    if (data.length !== entry.originalLength) {
      throw corruptCompression(
        `it unpacks to ${data.length} bytes, the index says ${entry.originalLength}`,
      );
    }
    return data;
  }

  #compressor(headerId: number): Compressor {
    let compressor = this.#compressors.get(headerId);
    if (compressor === undefined) {
      compressor = compressorByHeaderId(headerId);
      if (compressor === undefined) {
        throw new KopiaError("ALGORITHM_UNKNOWN", `no compression has the ID ${hex(headerId)}`);
      }
      this.#compressors.set(headerId, compressor);
    }
    return compressor;
  }
}

/** Where the bytes of a content lie, for messages. */
export function describeEntry(entry: ContentEntry): string {
  return `content ${entry.contentId} in pack ${entry.packBlobId} at ${entry.packOffset}, ${entry.packedLength} bytes`;
}

function unreadable(
  entry: ContentEntry,
  cause: unknown,
  otherwise: "CONTENT_CORRUPT" | "COMPRESSION_CORRUPT" | "FORMAT_UNSUPPORTED",
): KopiaError {
  const code = isKopiaError(cause) ? cause.code : otherwise;
  return new KopiaError(code, `${describeEntry(entry)}: ${errorMessage(cause)}`, {
    details: {
      contentId: entry.contentId,
      packBlobId: entry.packBlobId,
      packOffset: entry.packOffset,
    },
    cause,
  });
}

function corruptCompression(problem: string): KopiaError {
  return new KopiaError("COMPRESSION_CORRUPT", problem);
}

function hex(headerId: number): string {
  return `0x${headerId.toString(16)}`;
}
