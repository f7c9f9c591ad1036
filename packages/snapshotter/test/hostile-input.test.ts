import {
  KopiaError,
  compressorByHeaderId,
  decodeConnectionToken,
  isKopiaError,
  utf8Encode,
  type ContentReader,
  type ErrorCode,
} from "@kopia-engine/kopia-format";
import { describe, expect, test } from "vitest";
import { decodeShards } from "../../kopia-format/src/blob/shards.ts";
import { openIndex } from "../../kopia-format/src/content/index/open-index.ts";
import { decodeCompactionLog } from "../../kopia-format/src/content/index-blob/v0/compaction-log.ts";
import { decodePostamble } from "../../kopia-format/src/content/pack/postamble.ts";
import { decodeBlobConfig } from "../../kopia-format/src/format/blob-config.ts";
import { decodeContentFormat } from "../../kopia-format/src/format/content-format-json.ts";
import { decodeFormatBlob } from "../../kopia-format/src/format/format-blob.ts";
import { decodeManifestContent } from "../../kopia-format/src/manifest/manifest-content.ts";
import { ContentObjectStore } from "../../kopia-format/src/object/content-object-store.ts";
import { decodeIndirectList } from "../../kopia-format/src/object/indirect-list.ts";
import { decodeConnection } from "../../kopia-format/src/repository/connection-codec.ts";
import { decodeDirectory, decodePolicy, decodeSnapshotManifest } from "../src/index.ts";

const KIB = 2 ** 10;
const MIB = 2 ** 20;

/** Readers of JSON documents: how a document gets into them, and the code of a refusal. */
const DOCUMENTS: Readonly<Record<string, readonly [(json: string) => unknown, ErrorCode]>> = {
  "format blob": [(json) => decodeFormatBlob(utf8Encode(json)), "FORMAT_CORRUPT"],
  "content format": [(json) => decodeContentFormat(utf8Encode(json)), "FORMAT_CORRUPT"],
  "blob config": [(json) => decodeBlobConfig(utf8Encode(json)), "FORMAT_CORRUPT"],
  "compaction log": [(json) => decodeCompactionLog(utf8Encode(json), "m"), "INDEX_CORRUPT"],
  "indirect object": [(json) => decodeIndirectList(utf8Encode(json)), "OBJECT_CORRUPT"],
  directory: [(json) => decodeDirectory(utf8Encode(json)), "DIRECTORY_CORRUPT"],
  "manifest content": [(json) => decodeManifestContent(gzip(json), "m"), "MANIFEST_CORRUPT"],
  "snapshot manifest": [(json) => decodeSnapshotManifest(json, "0"), "SNAPSHOT_INVALID"],
  policy: [(json) => decodePolicy(json), "POLICY_INVALID"],
  connection: [(json) => decodeConnection(utf8Encode(json), "/c"), "CONFIG_CORRUPT"],
  token: [(json) => decodeConnectionToken(base64Url(json)), "TOKEN_INVALID"],
  ".shards": [(json) => decodeShards(utf8Encode(json)), "STORAGE_BAD_SHARDS"],
};
const documents = Object.entries(DOCUMENTS).map(([name, [read, code]]) => ({ name, read, code }));

/** Where each document has a member that is read, with a place for its value. */
const MEMBERS: Readonly<Record<string, string>> = {
  "format blob": '{"tool":VALUE}',
  "content format": '{"format":{"version":VALUE}}',
  "blob config": '{"retentionPeriod":VALUE}',
  "compaction log": '{"inputMetadata":[{"id":VALUE}]}',
  "indirect object": '{"entries":[{"s":VALUE,"o":"ab"}]}',
  directory: '{"stream":"kopia:directory","entries":[{"name":"a","type":"f","size":VALUE}]}',
  "manifest content": '{"entries":[{"id":VALUE}]}',
  "snapshot manifest": '{"id":"0","source":VALUE}',
  policy: '{"retention":{"keepLatest":VALUE}}',
  connection: '{"storage":{"type":"filesystem","config":VALUE}}',
  token: '{"version":"1","storage":{"type":"t","config":VALUE}}',
  ".shards": '{"default":[VALUE],"maxNonShardedLength":20}',
};

function member(name: string, value: string): string {
  return (MEMBERS[name] as string).replace("VALUE", value);
}

function gzip(text: string): Uint8Array {
  return (
    compressorByHeaderId(0x1000) as NonNullable<ReturnType<typeof compressorByHeaderId>>
  ).compress(utf8Encode(text));
}

function base64Url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "read";
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    return error.code;
  }
}

describe("decompression bombs", () => {
  const families = [0x1100, 0x1200, 0x1000, 0x1300, 0x1500, 0x1400];
  const readers = families.flatMap((headerId) =>
    (["fast", "portable"] as const).flatMap((provider) => {
      const reader = compressorByHeaderId(headerId, provider);
      return reader?.provider === provider
        ? [{ headerId, reader, name: reader.name, provider }]
        : [];
    }),
  );
  test.each(readers)("$name ($provider)", ({ headerId, reader }) => {
    const bomb = compressorByHeaderId(headerId)?.compress(new Uint8Array(16 * MIB));
    const unpack = (limitBytes: number) => reader.decompress(bomb as Uint8Array, limitBytes);
    expect(codeOf(() => unpack(64 * KIB))).toBe("COMPRESSION_LIMIT");
    expect(unpack(16 * MIB).length).toBe(16 * MIB);
  });
});

test("absurd counts of an index are refused before anything is made of them", () => {
  const header2 = new Uint8Array(64);
  const view = new DataView(header2.buffer);
  header2.set([2, 17]);
  view.setUint16(2, 19);
  for (const [offset, name] of [
    [4, "entries"],
    [8, "packs"],
  ] as const) {
    const bytes = header2.slice();
    new DataView(bytes.buffer).setUint32(offset, 0xffffffff);
    expect(
      codeOf(() => openIndex(bytes, "n")),
      name,
    ).toBe("INDEX_CORRUPT");
  }
  const formats = header2.slice();
  formats[12] = 255;
  expect(codeOf(() => openIndex(formats, "n"))).toBe("INDEX_CORRUPT");
  const header1 = new Uint8Array([1, 17, 0, 20, 0xff, 0xff, 0xff, 0xff]);
  expect(codeOf(() => openIndex(header1, "n"))).toBe("INDEX_CORRUPT");
});

test("lengths of a postamble beyond 2^53 are refused", () => {
  const endless = new Uint8Array(40).fill(0xff);
  endless[39] = 20;
  expect(codeOf(() => decodePostamble(endless, "p"))).toBe("PACK_CORRUPT");
});

describe("indirect objects of hostile lists", () => {
  const storeOf = (list: (level: number) => string): ContentObjectStore => {
    const contentOf = (id: string): Uint8Array<ArrayBuffer> =>
      id.startsWith("x") ? utf8Encode(list(Number.parseInt(id.slice(1), 16))) : new Uint8Array(0);
    return new ContentObjectStore(
      {
        getContent: (id: string) => Promise.resolve(contentOf(id)),
        getContentInfo: (id: string) => ({ originalLength: contentOf(id).length }),
      } as unknown as ContentReader,
      { compressorByHeaderId },
    );
  };
  const listOf = (...ids: readonly string[]): string =>
    JSON.stringify({ stream: "kopia:indirect", entries: ids.map((o) => ({ o })) });

  test("lists in a circle", async () => {
    const store = storeOf((level) => listOf(`Ix${level === 1 ? "02" : "01"}`));
    await expect(store.readObject("Ix01")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
    await expect(store.verifyObject("IIIIx01")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
  });

  test("a few lists that share their parts do not multiply without end", async () => {
    // Three parts on each of 15 levels: 14 million pieces of a kilobyte of lists.
    const store = storeOf((level) => {
      const part = level < 15 ? `Ix${(level + 1).toString(16).padStart(2, "0")}` : "ab";
      return listOf(part, part, part);
    });
    await expect(store.objectPieces("Ix01")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  });
});

describe.each(documents)("$name", ({ name, read, code }) => {
  test("deep JSON is refused", () => {
    for (const depth of [200, 100_000]) {
      const arrays = "[".repeat(depth) + "]".repeat(depth);
      const objects = `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;
      for (const value of [arrays, objects]) {
        expect(codeOf(() => read(member(name, value)))).toBe(code);
        expect(codeOf(() => read(`{"unknown":${value}}`))).toBe(code);
      }
    }
  });

  test("keys such as __proto__ change no object", () => {
    for (const key of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"]) {
      const hostile = `{"${key}":{"polluted":true,"length":5,"${key}":1}}`;
      codeOf(() => read(hostile));
      codeOf(() => read(member(name, hostile)));
      codeOf(() => read(member(name, "1").replace("{", `{"${key}":{"polluted":true},`)));
    }
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test("integers beyond 2^63 are refused", () => {
    for (const value of ["9223372036854775808", "-9223372036854775809", "1e400"]) {
      expect(codeOf(() => read(member(name, value)))).toBe(code);
    }
  });
});

test.each(["content format", "blob config", "indirect object", ".shards"])(
  "%s: integers beyond 2^53, which a double would round, are refused",
  (name) => {
    const { read, code } = documents.find(
      (document) => document.name === name,
    ) as (typeof documents)[0];
    for (const value of ["9007199254740993", "-9007199254740993"]) {
      expect(codeOf(() => read(member(name, value)))).toBe(code);
    }
  },
);

test("a refusal is an error of ours in every way", () => {
  const error = ((): unknown => {
    try {
      return decodeDirectory(utf8Encode("{"));
    } catch (failure) {
      return failure;
    }
  })();
  expect(error).toBeInstanceOf(KopiaError);
  expect((error as KopiaError).code).toBe("DIRECTORY_CORRUPT");
});
