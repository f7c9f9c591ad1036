import {
  compareBytes,
  createEncryptor,
  createHashFunction,
  parseContentId,
  toHex,
  type ContentEntry,
} from "@kopia-engine/kopia-format";
import {
  CommittedIndex,
  blobIv,
  buildIndex,
  contentIdToKey,
  contentIv,
  decodeCompactionLog,
  decodePostamble,
  decryptBlob,
  encodePostamble,
  encodeSessionMarker,
  encryptBlob,
  firstCompleteSet,
  indexShardOf,
  keyToContentId,
  longestRangeChain,
  openIndex,
  parseEpoch,
  parseEpochRange,
  parseWatermark,
  type BlobCrypto,
  type IndexReader,
} from "@kopia-engine/kopia-format/testing";
import { parseGoTime } from "@kopia-engine/kopia-format";
import { shown } from "./format-operations.ts";
import {
  dataOf,
  fields,
  hexBytes,
  list,
  number,
  sha256,
  text,
  type Fields,
  type Json,
  type Operation,
  type Provider,
} from "./vector.ts";

async function cryptoOf(input: Fields, provider: Provider): Promise<BlobCrypto> {
  const nonce = typeof input["nonce"] === "string" ? hexBytes(input["nonce"]) : undefined;
  return {
    hash: await createHashFunction(text(input["hash"]), hexBytes(input["secret"]), provider),
    encryptor: createEncryptor(text(input["encryption"]), hexBytes(input["masterKey"]), {
      provider,
      ...(nonce === undefined ? {} : { random: () => nonce }),
    }),
  };
}

function entryOf(value: Json): ContentEntry {
  const entry = fields(value);
  return {
    contentId: text(entry["contentId"]),
    packBlobId: text(entry["pack"]),
    timestampSeconds: number(entry["time"]),
    packOffset: number(entry["offset"]),
    packedLength: number(entry["packed"]),
    originalLength: number(entry["original"]),
    deleted: entry["deleted"] === true,
    compressionHeaderId: number(entry["compression"] ?? 0),
    formatVersion: number(entry["formatVersion"] ?? 3),
    encryptionKeyId: 0,
  };
}

function entryFields(entry: ContentEntry): Fields {
  return {
    contentId: entry.contentId,
    pack: entry.packBlobId,
    time: entry.timestampSeconds,
    offset: entry.packOffset,
    packed: entry.packedLength,
    original: entry.originalLength,
    deleted: entry.deleted,
    compression: entry.compressionHeaderId,
    formatVersion: entry.formatVersion,
  };
}

/** A line an entry, so that any language can compare a whole index by one digest. */
export function indexLines(reader: IndexReader): string[] {
  return Array.from({ length: reader.entryCount }, (_, position) => {
    const e = reader.entryAt(position);
    const place = [
      e.packBlobId,
      e.timestampSeconds,
      e.packOffset,
      e.packedLength,
      e.originalLength,
    ];
    return [e.contentId, ...place, e.deleted, e.compressionHeaderId, e.formatVersion].join(" ");
  });
}

function indexFields(bytes: Uint8Array): Fields {
  const reader = openIndex(bytes, "vector");
  const lines = indexLines(reader);
  return {
    version: reader.version,
    entryCount: reader.entryCount,
    keyLength: reader.keyLength,
    first: reader.entryCount === 0 ? null : entryFields(reader.entryAt(0)),
    linesSha256: sha256(lines.map((line) => `${line}\n`).join("")),
  };
}

function metadata(ids: Json | undefined) {
  return list(ids).map((id) => ({ id: text(id), lengthBytes: 1, timestamp: 0n }));
}

async function packTail(input: Fields, provider: Provider): Promise<Fields> {
  const { encryptor, hash } = await cryptoOf(input, provider);
  const tail = hexBytes(input["tail"]);
  const found = decodePostamble(tail, text(input["id"]));
  const start = found.localIndexOffset - (number(input["lengthBytes"]) - tail.length);
  const postamble = {
    hash: toHex(found.localIndexHash),
    offset: found.localIndexOffset,
    length: found.localIndexLength,
  };
  if (start < 0) return postamble;
  const encrypted = tail.subarray(start, start + found.localIndexLength);
  const index = encryptor.decrypt(encrypted, found.localIndexHash);
  return { ...postamble, indexHash: toHex(hash.hash(index)), index: indexFields(index) };
}

/** Operations of contents and indexes, by name. */
export const CONTENT_OPERATIONS: Readonly<Record<string, Operation>> = {
  "content-id.key": (input) => {
    const id = parseContentId(text(input["text"]));
    const key = contentIdToKey(id);
    return { key: toHex(key), iv: toHex(contentIv(id)), back: keyToContentId(key) };
  },
  "content-id.sort": (input) => {
    const ids = list(input["ids"]).map(text);
    return { sorted: ids.sort((a, b) => compareBytes(contentIdToKey(a), contentIdToKey(b))) };
  },
  "index.read": (input) => indexFields(hexBytes(input["index"])),
  "index.build": (input) =>
    shown(buildIndex(list(input["entries"]).map(entryOf), { version: number(input["version"]) })),
  "index.shard": (input) => ({
    shard: indexShardOf(text(input["contentId"]), number(input["shards"])),
  }),
  "index.merge": (input) => {
    const index = new CommittedIndex();
    const blobs = list(input["indexes"]).map((entries, position) => ({
      blobId: `xn0_${position}`,
      bytes: buildIndex(list(entries).map(entryOf), { version: 2 }),
    }));
    index.add(blobs);
    index.watermarkSeconds = number(input["watermark"] ?? 0);
    const entry = index.lookup(text(input["contentId"]));
    return { entry: entry === undefined ? null : entryFields(entry) };
  },
  "blob.iv": (input) => {
    const iv = blobIv(text(input["blobId"]));
    return { iv: iv === undefined ? null : toHex(iv) };
  },
  "blob.encrypt": async (input, provider) => {
    const name = { prefix: text(input["prefix"]), suffix: text(input["suffix"]) };
    const { id, data } = encryptBlob(await cryptoOf(input, provider), name, dataOf(input["data"]));
    return { id, ...shown(data), length: data.length, sha256: sha256(data) };
  },
  "blob.decrypt": async (input, provider) => {
    const blob = { id: text(input["id"]), data: hexBytes(input["data"]) };
    const payload = decryptBlob(await cryptoOf(input, provider), blob);
    return { length: payload.length, sha256: sha256(payload) };
  },
  "blob.read-index": async (input, provider) => {
    const blob = { id: text(input["id"]), data: hexBytes(input["data"]) };
    return indexFields(decryptBlob(await cryptoOf(input, provider), blob));
  },
  "blob.read-compaction-log": async (input, provider) => {
    const blob = { id: text(input["id"]), data: hexBytes(input["data"]) };
    const log = decodeCompactionLog(decryptBlob(await cryptoOf(input, provider), blob), blob.id);
    return { inputs: [...log.inputIds], outputs: [...log.outputIds] };
  },
  "session.marker": async (input, provider) => {
    const { id, data } = encodeSessionMarker(await cryptoOf(input, provider), {
      id: text(input["session"]),
      startTime: parseGoTime(text(input["startTime"])),
      checkpointTime: parseGoTime(text(input["checkpointTime"])),
      username: text(input["username"]),
      hostname: text(input["hostname"]),
    });
    return { id, hex: toHex(data) };
  },
  "pack.postamble": (input) => {
    const hex = toHex(
      encodePostamble({
        localIndexHash: hexBytes(input["hash"]),
        localIndexOffset: number(input["offset"]),
        localIndexLength: number(input["length"]),
      }),
    );
    return { hex };
  },
  "pack.postamble-read": (input) => {
    const found = decodePostamble(hexBytes(input["tail"]), "vector");
    return {
      hash: toHex(found.localIndexHash),
      offset: found.localIndexOffset,
      length: found.localIndexLength,
    };
  },
  "pack.tail": packTail,
  "epoch.name": (input) => {
    const name = text(input["blobId"]);
    if (name.startsWith("xw")) return { watermark: parseWatermark(name) ?? null };
    if (!name.startsWith("xr")) return { epoch: parseEpoch(name) ?? null };
    const range = parseEpochRange(name);
    return { range: range === undefined ? null : [range.firstEpoch, range.lastEpoch] };
  },
  "epoch.complete-set": (input) => ({
    set: firstCompleteSet(metadata(input["blobIds"]))?.map(({ id }) => id) ?? null,
  }),
  "epoch.range-chain": (input) => {
    const ranges = list(input["ranges"]).map((range) => {
      const [firstEpoch, lastEpoch] = list(range).map(number) as [number, number];
      return { firstEpoch, lastEpoch, blobs: [] };
    });
    const chain = longestRangeChain(ranges);
    return { chain: chain.map(({ firstEpoch, lastEpoch }) => [firstEpoch, lastEpoch]) };
  },
};
