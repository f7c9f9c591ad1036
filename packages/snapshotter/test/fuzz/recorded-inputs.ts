import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  collectAsync,
  createContentEncryptor,
  createHashFunction,
  openFilesystemRepository,
  utf8Encode,
  type BlobStorage,
  type Bytes,
  type ContentEntry,
  type Encryptor,
  type HashFunction,
  type Repository,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { loadFixture } from "@kopia-engine/test-fixtures";
import { ContentCodec } from "../../../kopia-format/src/content/content-codec.ts";
import { readEncryptedBlob } from "../../../kopia-format/src/content/index-blob/blob-crypto.ts";
import { encodeContentFormat } from "../../../kopia-format/src/format/content-format-json.ts";

/** What parsers get to see of repositories that the real program wrote. */
export interface RecordedInputs {
  readonly format: RepositoryFormat;
  readonly hash: HashFunction;
  readonly encryptor: Encryptor;
  /** A real entry, for contents that are made up. */
  readonly entry: ContentEntry;
  readonly inputs: Readonly<Record<InputKind, readonly Uint8Array[]>>;
  /** Streams as compressed, by header ID. */
  readonly compressed: ReadonlyMap<number, readonly Uint8Array[]>;
}

export type InputKind =
  | "formatBlob"
  | "contentFormat"
  | "shards"
  | "index1"
  | "index2"
  | "pack"
  | "storedContent"
  | "indirectList"
  | "directory"
  | "manifestContent"
  | "snapshot"
  | "policy"
  | "maintenanceParameters"
  | "schedule"
  | "blobNames";

const MAX_PER_KIND = 12;
const CLIENT = { username: "u", hostname: "h", readOnly: true, description: "" };

/** Reads a few recorded repositories and takes them apart. */
export async function recordedInputs(): Promise<RecordedInputs> {
  const inputs = Object.fromEntries(
    Object.keys({
      formatBlob: 0,
      contentFormat: 0,
      shards: 0,
      index1: 0,
      index2: 0,
      pack: 0,
      storedContent: 0,
      indirectList: 0,
      directory: 0,
      manifestContent: 0,
      snapshot: 0,
      policy: 0,
      maintenanceParameters: 0,
      schedule: 0,
      blobNames: 0,
    } satisfies Record<InputKind, 0>).map((kind) => [kind, [] as Uint8Array[]]),
  ) as Record<InputKind, Uint8Array[]>;
  const compressed = new Map<number, Uint8Array[]>();
  const names = [
    "fs-v098-format1",
    "fs-v0223-compressors-lz4",
    "fs-v0231-shards-override",
    "fs-v0231-policies",
  ];
  let last: Pick<RecordedInputs, "format" | "hash" | "encryptor" | "entry"> | undefined;
  for (const name of names) {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
      client: CLIENT,
    });
    add(inputs.shards, readShards(unpacked.path));
    last = await takeApart(repository, { inputs, compressed });
  }
  if (last === undefined) throw new Error("there are no recorded repositories");
  return { ...last, inputs, compressed };
}

function readShards(path: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(join(path, ".shards")));
  } catch {
    return undefined;
  }
}

async function takeApart(
  repository: Repository,
  into: { inputs: Record<InputKind, Uint8Array[]>; compressed: Map<number, Uint8Array[]> },
): Promise<Pick<RecordedInputs, "format" | "hash" | "encryptor" | "entry">> {
  const { storage, format, contents, manifests, random } = repository;
  const { inputs } = into;
  const { content } = format;
  const hash = await createHashFunction(content.hash, content.secret);
  const encryptor = createContentEncryptor(content, random);
  add(inputs.formatBlob, format.formatBlob);
  add(inputs.contentFormat, encodeContentFormat(content));
  const blobs = await collectAsync(storage.list(""));
  add(inputs.blobNames, utf8Encode(blobs.map(({ id }) => id).join("\n")));
  for (const { id } of await repository.indexBlobs()) {
    const index = await readEncryptedBlob(storage, { hash, encryptor }, id);
    add(index[0] === 1 ? inputs.index1 : inputs.index2, index);
  }
  // Those of the last repository, whose keys are at hand.
  inputs.pack.length = 0;
  for (const { id, lengthBytes } of blobs) {
    if (/^[pq]/.test(id) && lengthBytes < 60_000) add(inputs.pack, await storage.get(id));
  }
  for (const { id, labels } of await manifests.find({})) {
    add(inputs[kindOfManifest(labels["type"])], utf8Encode(await manifests.getPayload(id)));
  }
  const codec = new ContentCodec(encryptor, content);
  let some: ContentEntry | undefined;
  for (const entry of contents.contents()) {
    some = entry;
    const stored = codec.decrypt(entry, await packed(storage, entry));
    if (stored.length < 20_000) add(inputs.storedContent, withFields(entry, stored));
    const data = await contents.getContent(entry.contentId);
    if (data.length > 60_000) continue;
    if (entry.contentId.startsWith("k")) add(inputs.directory, data);
    if (entry.contentId.startsWith("m")) add(inputs.manifestContent, data);
    if (entry.contentId.startsWith("x")) add(inputs.indirectList, data);
    if (entry.compressionHeaderId === 0) continue;
    const streams = into.compressed.get(entry.compressionHeaderId) ?? [];
    into.compressed.set(entry.compressionHeaderId, streams);
    add(streams, stored.slice(4));
  }
  if (some === undefined) throw new Error("a recorded repository without contents");
  return { format, hash, encryptor, entry: some };
}

/** What the index says of a content, in front of it: header ID and length, 4 bytes each. */
function withFields(entry: ContentEntry, stored: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + stored.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, entry.compressionHeaderId);
  view.setUint32(4, entry.originalLength);
  bytes.set(stored, 8);
  return bytes;
}

function packed(storage: BlobStorage, entry: ContentEntry): Promise<Bytes> {
  const range = { offsetBytes: entry.packOffset, lengthBytes: entry.packedLength };
  return storage.get(entry.packBlobId, range);
}

function kindOfManifest(type: string | undefined): InputKind {
  if (type === "snapshot" || type === "policy") return type;
  return "maintenanceParameters";
}

function add(list: Uint8Array[], input: Uint8Array | undefined): void {
  if (input !== undefined && list.length < MAX_PER_KIND) list.push(input);
}
