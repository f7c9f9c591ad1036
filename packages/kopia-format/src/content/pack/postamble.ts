import type { Bytes } from "../../base/bytes.ts";
import { ByteReader } from "../../base/byte-reader.ts";
import { ByteWriter } from "../../base/byte-writer.ts";
import { crc32 } from "../../base/crc32.ts";
import { KopiaError } from "../../base/errors.ts";
import type { BlobId } from "../../blob/storage.ts";

/** Where the local index of a pack lies (spec 1 §6.4). */
export interface PackPostamble {
  /** Hash of the decrypted local index: its whole length is the IV. */
  readonly localIndexHash: Uint8Array;
  readonly localIndexOffset: number;
  readonly localIndexLength: number;
}

/*
 * uvarint 1 ‖ uvarint length(h) ‖ h ‖ uvarint offset ‖ uvarint length ‖ u32be CRC-32 of all of that ‖ u8 n
 * n counts the bytes before itself, CRC included.
 */
const POSTAMBLE_VERSION = 1;
const CRC_BYTES = 4;
/** Smallest n: a version byte and the CRC. */
const MIN_COUNTED_BYTES = 5;
/** Longest hash of any repository (spec 1 §14). */
const MAX_HASH_BYTES = 32;

/** Bytes at the end of a pack in which recovery looks for the postamble (spec 1 §6.4). */
export const POSTAMBLE_SEARCH_BYTES = 8192;

/**
 * The last bytes of a pack.
 * @throws RangeError when the hash is longer than any repository's.
 */
export function encodePostamble(postamble: PackPostamble): Bytes {
  const { localIndexHash } = postamble;
  if (localIndexHash.length > MAX_HASH_BYTES) {
    throw new RangeError(`a hash of ${localIndexHash.length} bytes does not fit a postamble`);
  }
  const writer = new ByteWriter(64)
    .uvarint(POSTAMBLE_VERSION)
    .uvarint(localIndexHash.length)
    .bytes(localIndexHash)
    .uvarint(postamble.localIndexOffset)
    .uvarint(postamble.localIndexLength);
  writer.u32(crc32(writer.view()));
  return writer.u8(writer.length).finish();
}

/**
 * Reads the postamble at the end of `tail`, the last bytes of a pack.
 * @throws KopiaError `PACK_CORRUPT`.
 */
export function decodePostamble(tail: Uint8Array, packBlobId: BlobId): PackPostamble {
  const countedBytes = tail.at(-1);
  if (countedBytes === undefined || countedBytes < MIN_COUNTED_BYTES) {
    throw corrupt(packBlobId, `its last byte is ${countedBytes ?? "missing"}, 5 to 255 expected`);
  }
  const start = tail.length - 1 - countedBytes;
  if (start < 0) {
    throw corrupt(packBlobId, `${countedBytes} bytes do not fit the ${tail.length} at hand`);
  }
  const checked = tail.subarray(start, tail.length - 1 - CRC_BYTES);
  const where = `postamble of pack ${packBlobId}`;
  const reader = new ByteReader(tail.subarray(start, tail.length - 1), {
    code: "PACK_CORRUPT",
    where,
  });
  reader.seek(checked.length);
  if (reader.u32() !== crc32(checked)) throw corrupt(packBlobId, "its checksum is wrong");
  reader.seek(0);
  return decodeFields(reader, checked.length);
}

function decodeFields(reader: ByteReader, endOffset: number): PackPostamble {
  const version = reader.uvarint();
  if (version !== POSTAMBLE_VERSION) throw reader.fail(`version ${version}, expected 1`);
  const hashLength = reader.uvarint();
  if (hashLength > MAX_HASH_BYTES) {
    throw reader.fail(`a hash of ${hashLength} bytes, at most ${MAX_HASH_BYTES} expected`);
  }
  const localIndexHash = reader.bytes(hashLength);
  const localIndexOffset = reader.uvarint();
  const localIndexLength = reader.uvarint();
  if (reader.offset > endOffset) throw reader.fail("its fields run into the checksum");
  return { localIndexHash, localIndexOffset, localIndexLength };
}

function corrupt(packBlobId: BlobId, problem: string): KopiaError {
  return new KopiaError("PACK_CORRUPT", `pack ${packBlobId} has no valid postamble: ${problem}`, {
    details: { packBlobId },
  });
}
