import {
  MemoryStorage,
  compressorByHeaderId,
  decodeConnectionToken,
  decodeMaintenanceBlob,
  encodeConnectionToken,
  encodeMaintenanceBlob,
  filesystemStorageConfig,
  findFormatCopyAtEnd,
  findFormatCopyAtStart,
  parseFilesystemConfig,
  parseJson,
  readLocalIndex,
  reloadRepositoryFormat,
  utf8Encode,
  type ContentReader,
} from "@kopia-engine/kopia-format";
import { FakeClock, seededRandom } from "@kopia-engine/kopia-format/testing";
import { decodeShards } from "../../../kopia-format/src/blob/shards.ts";
import { ContentCodec } from "../../../kopia-format/src/content/content-codec.ts";
import { contentIv } from "../../../kopia-format/src/content/content-id.ts";
import { CommittedIndex } from "../../../kopia-format/src/content/index/committed-index.ts";
import { EpochManager } from "../../../kopia-format/src/content/index-blob/epoch/epoch-manager.ts";
import {
  decodeCleanupLog,
  decodeCompactionLog,
  encodeCleanupLog,
  encodeCompactionLog,
} from "../../../kopia-format/src/content/index-blob/v0/compaction-log.ts";
import { encodePostamble } from "../../../kopia-format/src/content/pack/postamble.ts";
import { encryptBlob } from "../../../kopia-format/src/content/index-blob/blob-crypto.ts";
import { decodeSessionMarker } from "../../../kopia-format/src/content/session.ts";
import { EccCodec } from "../../../kopia-format/src/ecc/ecc-codec.ts";
import { decodeBlobConfig } from "../../../kopia-format/src/format/blob-config.ts";
import { decodeContentFormat } from "../../../kopia-format/src/format/content-format-json.ts";
import { DEFAULT_EPOCH_PARAMETERS } from "../../../kopia-format/src/format/format-parameters.ts";
import { deriveRepositoryKey } from "../../../kopia-format/src/format/key-derivation.ts";
import { sealBox } from "../../../kopia-format/src/format/sealed-box.ts";
import { decodeManifestContent } from "../../../kopia-format/src/manifest/manifest-content.ts";
import { ContentObjectStore } from "../../../kopia-format/src/object/content-object-store.ts";
import {
  decodeConnection,
  encodeConnection,
} from "../../../kopia-format/src/repository/connection-codec.ts";
import { decodeMaintenanceParameters } from "../../src/model/maintenance-parameters.ts";
import { parseIgnoreFile } from "../../src/policy/ignore-rules.ts";
import { decodeDirectory, decodePolicy, decodeSnapshotManifest } from "../../src/index.ts";
import { listingObjects } from "../../src/model/listing-objects.ts";
import type { RecordedInputs } from "./recorded-inputs.ts";

/** One parser, with real inputs. */
export interface FuzzTarget {
  readonly name: string;
  readonly seeds: readonly Uint8Array[];
  /** Reads everything that the input claims to hold. Only errors of ours may come out. */
  parse(input: Uint8Array): unknown;
}

/** Most bytes that a decompressor may give. */
const UNPACKED_LIMIT_BYTES = 2 ** 20;

/** One target for each parser of bytes that come from a storage or from a user. */
export function fuzzTargets(recorded: RecordedInputs): readonly FuzzTarget[] {
  return [
    ...formatTargets(recorded),
    ...indexTargets(recorded),
    ...packTargets(recorded),
    ...objectTargets(recorded),
    ...decompressorTargets(recorded),
    ...connectionTargets(recorded),
  ];
}

function formatTargets({ format, inputs }: RecordedInputs): FuzzTarget[] {
  const schedule = {
    nextFullMaintenance: 0n,
    nextQuickMaintenance: 1n,
    runs: new Map([["t", [{ start: 0n, end: 1n, success: true, error: "", extra: [] }]]]),
  };
  const sealing = {
    key: deriveRepositoryKey(format, { purpose: "maintenance schedule", lengthBytes: 32 }),
    additionalData: utf8Encode("maintenance"),
  };
  const random = seededRandom(1);
  return [
    {
      name: "format blob",
      seeds: inputs.formatBlob,
      async parse(input) {
        const storage = new MemoryStorage();
        await storage.put("kopia.repository", input);
        return reloadRepositoryFormat(storage, format);
      },
    },
    { name: "content format", seeds: inputs.contentFormat, parse: decodeContentFormat },
    {
      name: "blob config",
      seeds: [utf8Encode("{}"), utf8Encode('{"retentionMode":"GOVERNANCE","retentionPeriod":1}')],
      parse: decodeBlobConfig,
    },
    {
      name: "maintenance schedule",
      seeds: [openSchedule()],
      parse: (input) => decodeMaintenanceBlob(format, sealBox(sealing, input, random)),
    },
    {
      name: "sealed maintenance schedule",
      seeds: [encodeMaintenanceBlob(format, schedule, random)],
      parse: (input) => decodeMaintenanceBlob(format, input),
    },
    {
      name: "format copy",
      seeds: inputs.pack,
      parse: (input) => [findFormatCopyAtStart(input), findFormatCopyAtEnd(input)],
    },
  ];
}

function openSchedule(): Uint8Array {
  return utf8Encode(
    '{"nextFullMaintenance":"2026-01-02T03:04:05.6Z","nextQuickMaintenance":"2026-01-02T03:04:05Z","runs":{"snapshot-gc":[{"start":"2026-01-02T03:04:05Z","end":"2026-01-02T03:04:06Z","success":true,"error":"x","extra":[{"kind":"k","data":{"a":1}}]}]}}',
  );
}

function indexTargets({ inputs, hash, encryptor }: RecordedInputs): FuzzTarget[] {
  const readIndex = (bytes: Uint8Array): number => {
    const index = new CommittedIndex();
    index.add([{ blobId: "fuzz", bytes }]);
    let sum = 0;
    for (const entry of index.entries({ includeDeleted: true })) {
      sum += index.lookup(entry.contentId)?.packedLength ?? 0;
    }
    return sum;
  };
  const blob = { id: "n0", lengthBytes: 1, timestamp: 2n };
  return [
    { name: "index v1", seeds: inputs.index1, parse: readIndex },
    { name: "index v2", seeds: inputs.index2, parse: readIndex },
    {
      name: "epoch names",
      seeds: [
        ...inputs.blobNames,
        utf8Encode("xe0\nxe1\nxe12\nxn0_a-s1-c1\nxn12_b-s1-c1\nxs3_c-s1-c1\nxr0_7_d-s1-c1\nxw170"),
      ],
      parse: readEpochs,
    },
    {
      name: "compaction log",
      seeds: [encodeCompactionLog([blob], [blob])],
      parse: (input) => decodeCompactionLog(input, "m0"),
    },
    {
      name: "cleanup log",
      seeds: [encodeCleanupLog({ blobIds: ["m0"], scheduledAt: 1n })],
      parse: (input) => decodeCleanupLog(input, "l0"),
    },
    {
      name: "session marker",
      seeds: [
        utf8Encode(
          '{"id":"s1","startTime":"2026-01-02T03:04:05Z","checkpointTime":"2026-01-02T03:04:05Z","username":"u","hostname":"h"}',
        ),
      ],
      parse(input) {
        const crypto = { hash, encryptor };
        const { id, data } = encryptBlob(crypto, { prefix: "s", suffix: "s1" }, input);
        return decodeSessionMarker(crypto, { id, data });
      },
    },
  ];
}

/** Names as a listing gives them: which index blobs count, and in which epoch. */
async function readEpochs(input: Uint8Array): Promise<unknown> {
  const clock = new FakeClock();
  const storage = new MemoryStorage({ clock });
  for (const id of Buffer.from(input).toString("latin1").split("\n").slice(0, 200)) {
    await storage.put(id, new Uint8Array(1));
  }
  const parameters = DEFAULT_EPOCH_PARAMETERS;
  return new EpochManager({ storage, clock, parameters }).refresh();
}

function packTargets({ inputs, hash, encryptor, format, entry }: RecordedInputs): FuzzTarget[] {
  const crypto = { hash, encryptor };
  const codec = new ContentCodec(encryptor, format.content);
  const readPack = async (input: Uint8Array): Promise<unknown> => {
    const storage = new MemoryStorage();
    await storage.put("p0", input);
    return readLocalIndex(storage, crypto, "p0");
  };
  return [
    { name: "pack tail", seeds: inputs.pack, parse: readPack },
    {
      name: "local index",
      seeds: [...inputs.index1, ...inputs.index2],
      parse(input) {
        // Whole but for the index itself: postamble and encryption fit.
        const localIndexHash = hash.hash(input);
        const sealed = encryptor.encrypt(input, localIndexHash);
        const localIndexLength = sealed.length;
        const postamble = encodePostamble({
          localIndexHash,
          localIndexOffset: 0,
          localIndexLength,
        });
        return readPack(new Uint8Array([...sealed, ...postamble]));
      },
    },
    {
      name: "content",
      seeds: inputs.storedContent,
      parse(input) {
        const fields = new DataView(new ArrayBuffer(8));
        new Uint8Array(fields.buffer).set(input.subarray(0, 8));
        const packed = encryptor.encrypt(input.subarray(8), contentIv(entry.contentId));
        const compressionHeaderId = fields.getUint32(0);
        const originalLength = fields.getUint32(4) % 2 ** 28;
        const { length: packedLength } = packed;
        return codec.decode(
          { ...entry, compressionHeaderId, originalLength, packedLength },
          packed,
        );
      },
    },
  ];
}

function objectTargets({ inputs }: RecordedInputs): FuzzTarget[] {
  const id = `Ix${"0".repeat(32)}`;
  return [
    {
      name: "indirect object",
      seeds: [
        ...inputs.indirectList,
        utf8Encode(
          `{"stream":"kopia:indirect","entries":[{"l":5,"o":"${"1".repeat(32)}"},{"s":5,"l":5,"o":"${"2".repeat(32)}"}]}\n`,
        ),
        utf8Encode(
          `{"stream":"kopia:indirect","entries":[{"l":5,"o":"${"1".repeat(32)}"},{"s":5,"l":7,"o":"IIx${"2".repeat(32)}"}]}\n`,
        ),
      ],
      async parse(input) {
        const store = new ContentObjectStore(listEverywhere(input), { compressorByHeaderId });
        await store.readObject(id, UNPACKED_LIMIT_BYTES);
        await store.verifyObject(id);
      },
    },
    { name: "directory", seeds: inputs.directory, parse: (input) => decodeDirectory(input) },
    {
      name: "objects of a directory",
      seeds: inputs.directory,
      parse: (input) => listingObjects(input),
    },
    {
      name: "manifest content",
      seeds: inputs.manifestContent,
      parse: (input) => decodeManifestContent(input, "fuzz"),
    },
    {
      name: "manifest document",
      seeds: inputs.manifestContent.flatMap((content) => unzip(content)),
      parse: (input) => decodeManifestContent(zip(input), "fuzz"),
    },
    {
      name: "snapshot manifest",
      seeds: inputs.snapshot,
      parse: (input) => decodeSnapshotManifest(textOf(input), "0".repeat(32)),
    },
    { name: "policy", seeds: inputs.policy, parse: (input) => decodePolicy(textOf(input)) },
    {
      name: "maintenance parameters",
      seeds: inputs.maintenanceParameters,
      parse: (input) => decodeMaintenanceParameters(textOf(input)),
    },
    {
      name: "ignore file",
      seeds: [utf8Encode("# c\n*.o\n!keep.o\n/top/**/x[a-z]?\n")],
      parse: parseIgnoreFile,
    },
    {
      name: "JSON",
      seeds: [...inputs.directory, ...inputs.policy, ...inputs.contentFormat],
      parse: (input) => parseJson(input),
    },
  ];
}

const GZIP = compressorByHeaderId(0x1000);

function unzip(content: Uint8Array): Uint8Array[] {
  return GZIP === undefined ? [] : [GZIP.decompress(content, 2 ** 24)];
}

function zip(document: Uint8Array): Uint8Array {
  return GZIP === undefined ? document : GZIP.compress(document);
}

/** Every list is this one: it may name itself, in any depth. Every piece has five bytes. */
function listEverywhere(list: Uint8Array): ContentReader {
  const contentOf = (contentId: string): Uint8Array<ArrayBuffer> =>
    contentId.startsWith("x") ? list.slice() : new Uint8Array(5);
  return {
    getContent: (contentId: string) => Promise.resolve(contentOf(contentId)),
    getContentInfo: (contentId: string) => ({
      contentId,
      originalLength: contentOf(contentId).length,
    }),
  } as unknown as ContentReader;
}

/** Both providers of every family that was recorded, on every stream of that family. */
function decompressorTargets({ compressed }: RecordedInputs): FuzzTarget[] {
  const targets: FuzzTarget[] = [...compressed].flatMap(([headerId, seeds]) =>
    (["fast", "portable"] as const).flatMap((provider) => {
      const compressor = compressorByHeaderId(headerId, provider);
      if (compressor === undefined || compressor.provider !== provider) return [];
      return [
        {
          name: `${compressor.name} (${provider})`,
          seeds,
          parse: (input: Uint8Array) => compressor.decompress(input, UNPACKED_LIMIT_BYTES),
        },
      ];
    }),
  );
  const ecc = new EccCodec(20);
  const protectedData = [10, 300, 5000].map((length) => ecc.encode(seededRandom(2)(length)));
  return [
    ...targets,
    { name: "error correction", seeds: protectedData, parse: (input) => ecc.decode(input) },
  ];
}

function connectionTargets({ inputs }: RecordedInputs): FuzzTarget[] {
  const configPath = "/etc/kopia/repository.config";
  const storage = filesystemStorageConfig({ path: "/repo", fileMode: 0o600, dirShards: [1, 3] });
  const client = {
    username: "u",
    hostname: "h",
    readOnly: false,
    description: "d",
    enableActions: false,
    throttlingLimits: { readsPerSecond: 3 },
  };
  const caching = { cacheDirectory: "/etc/kopia/cache", maxCacheSize: 5, maxListCacheDuration: 30 };
  const connection = encodeConnection({ storage, caching, client }, configPath);
  const token = encodeConnectionToken({ storage, password: "secret" });
  return [
    { name: "shards", seeds: inputs.shards, parse: decodeShards },
    {
      name: "connection",
      seeds: [utf8Encode(connection)],
      parse(input) {
        const decoded = decodeConnection(input, configPath);
        return decoded.storage && parseFilesystemConfig(decoded.storage);
      },
    },
    {
      name: "token",
      seeds: [utf8Encode(token)],
      parse: (input) => decodeConnectionToken(textOf(input)),
    },
    {
      name: "token document",
      seeds: [new Uint8Array(Buffer.from(token, "base64url"))],
      parse: (input) => decodeConnectionToken(Buffer.from(input).toString("base64url")),
    },
  ];
}

function textOf(input: Uint8Array): string {
  return Buffer.from(input).toString("utf8");
}
