import type { Bytes } from "../../base/bytes.ts";
import { KopiaError } from "../../base/errors.ts";
import type { RandomBytes } from "../../base/random.ts";
import type { BlobId, BlobStorage } from "../../blob/storage.ts";
import { buildIndex } from "../index/build-index.ts";
import type { ContentEntryTable } from "../index/entry-table.ts";
import type { IndexReader } from "../index/index-reader.ts";
import { openIndex } from "../index/open-index.ts";
import type { BlobCrypto } from "../index-blob/blob-crypto.ts";
import {
  decodePostamble,
  encodePostamble,
  POSTAMBLE_SEARCH_BYTES,
  type PackPostamble,
} from "./postamble.ts";

/** Random bytes after a local index, so that equal ones differ in storage (spec 1 §7.4). */
const RANDOM_SUFFIX_BYTES = 32;
/** The local index begins on this boundary, never without padding before it (spec 1 §6.2). */
const PADDING_UNIT_BYTES = 4096;

/** What a pack's tail is made from. */
export interface PackTailOptions {
  readonly crypto: BlobCrypto;
  readonly random: RandomBytes;
  readonly indexVersion: number;
}

/**
 * The end of a pack of `lengthBytes` bytes: padding, encrypted local index, postamble (spec 1 §6.2 to
 * §6.4). It is read back before it is returned.
 * @param entries all entries pending with the pack, deleted ones included.
 * @throws KopiaError `INDEX_LIMIT`, `PACK_CORRUPT` when it does not read back.
 */
export function encodePackTail(
  lengthBytes: number,
  entries: ContentEntryTable,
  options: PackTailOptions,
): Bytes {
  const { crypto, random } = options;
  const index = buildIndex(entries, {
    version: options.indexVersion,
    randomSuffix: random(RANDOM_SUFFIX_BYTES),
  });
  const hash = crypto.hash.hash(index);
  const encrypted = crypto.encryptor.encrypt(index, hash);
  const paddingBytes = PADDING_UNIT_BYTES - (lengthBytes % PADDING_UNIT_BYTES);
  const postamble = encodePostamble({
    localIndexHash: hash,
    localIndexOffset: lengthBytes + paddingBytes,
    localIndexLength: encrypted.length,
  });
  const tail = new Uint8Array(paddingBytes + encrypted.length + postamble.length);
  tail.set(random(paddingBytes));
  tail.set(encrypted, paddingBytes);
  tail.set(postamble, paddingBytes + encrypted.length);
  readTailBack(tail, { tailOffset: lengthBytes, index, crypto });
  return tail;
}

/**
 * Reads the index at the end of a pack (spec 1 §6.3, §6.4): every entry that was pending with it,
 * deleted ones that point into other packs included.
 * @param knownLengthBytes length of the pack, when a listing told it.
 * @throws KopiaError `PACK_CORRUPT` when the pack has no valid postamble or local index, `BLOB_NOT_FOUND`.
 */
export async function readLocalIndex(
  storage: BlobStorage,
  crypto: BlobCrypto,
  packBlobId: BlobId,
  knownLengthBytes?: number,
): Promise<IndexReader> {
  const lengthBytes = knownLengthBytes ?? (await storage.getMetadata(packBlobId)).lengthBytes;
  const tailBytes = Math.min(lengthBytes, POSTAMBLE_SEARCH_BYTES);
  const tailOffset = lengthBytes - tailBytes;
  const tail = await storage.get(packBlobId, { offsetBytes: tailOffset, lengthBytes: tailBytes });
  const postamble = decodePostamble(tail, packBlobId);
  const { localIndexOffset, localIndexLength } = postamble;
  if (localIndexOffset + localIndexLength > lengthBytes) {
    throw corrupt(packBlobId, `${locate(postamble)} ends after the pack (${lengthBytes} bytes)`);
  }
  const inTail = localIndexOffset - tailOffset;
  const encrypted =
    inTail >= 0
      ? tail.subarray(inTail, inTail + localIndexLength)
      : await storage.get(packBlobId, {
          offsetBytes: localIndexOffset,
          lengthBytes: localIndexLength,
        });
  return openLocalIndex(encrypted, postamble, { crypto, packBlobId });
}

function openLocalIndex(
  encrypted: Bytes,
  postamble: PackPostamble,
  context: { readonly crypto: BlobCrypto; readonly packBlobId: BlobId },
): IndexReader {
  const { crypto, packBlobId } = context;
  const { encryptor } = crypto;
  const iv = postamble.localIndexHash;
  try {
    const decrypted = encryptor.decryptInPlace?.(encrypted, iv) ?? encryptor.decrypt(encrypted, iv);
    return openIndex(decrypted, packBlobId);
  } catch (cause) {
    throw corrupt(packBlobId, `${locate(postamble)} cannot be read`, cause);
  }
}

/** Never write what was not read back (design §5). */
function readTailBack(
  tail: Uint8Array,
  expected: {
    readonly tailOffset: number;
    readonly index: Uint8Array;
    readonly crypto: BlobCrypto;
  },
): void {
  const { tailOffset, index, crypto } = expected;
  const postamble = decodePostamble(tail, "being written");
  const start = postamble.localIndexOffset - tailOffset;
  const encrypted = tail.subarray(start, start + postamble.localIndexLength);
  if (!crypto.encryptor.decryptsTo(encrypted, postamble.localIndexHash, index)) {
    throw corrupt("being written", "the local index does not read back as it was built");
  }
}

function locate(postamble: PackPostamble): string {
  return `local index at ${postamble.localIndexOffset}, ${postamble.localIndexLength} bytes,`;
}

function corrupt(packBlobId: BlobId, problem: string, cause?: unknown): KopiaError {
  return new KopiaError("PACK_CORRUPT", `pack ${packBlobId}: ${problem}`, {
    details: { packBlobId },
    cause,
  });
}
