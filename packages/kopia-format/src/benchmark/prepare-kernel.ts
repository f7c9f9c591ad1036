import { KopiaError } from "../base/errors.ts";
import { compressorByName } from "../compression/registry.ts";
import { CONTENT_IV_BYTES, keyToContentId } from "../content/content-id.ts";
import { buildIndexShards } from "../content/index/build-index.ts";
import { CommittedIndex } from "../content/index/committed-index.ts";
import { ContentEntryTable } from "../content/index/entry-table.ts";
import { EccCodec } from "../ecc/ecc-codec.ts";
import { createEncryptor } from "../encryption/registry.ts";
import { createHashFunction } from "../hashing/registry.ts";
import { splitterFactory } from "../splitter/registry.ts";
import type { Splitter } from "../splitter/splitter.ts";
import type { Kernel, KernelSpec } from "./kernel-spec.ts";

/** Keys and content IDs of zeros: what they are does not matter to the speed. */
const KEY_BYTES = 32;

/** Keys of the default format: a prefix byte and 16 bytes of hash. */
const INDEX_KEY_BYTES = 17;
const MADE_UP_ENTRY = {
  packBlobId: "p00000000000000000000000000000000",
  timestampSeconds: 1,
  packedLength: 1000,
  originalLength: 1000,
  deleted: false,
  compressionHeaderId: 0,
  formatVersion: 3,
  encryptionKeyId: 0,
} as const;

/**
 * Makes one kernel ready: input, keys and output memory exist before the first pass.
 * @throws KopiaError `ALGORITHM_UNKNOWN`, `FORMAT_INVALID_PARAMETER`.
 */
export async function prepareKernel(spec: KernelSpec): Promise<Kernel> {
  switch (spec.kind) {
    case "hashing":
      return await hashing(spec);
    case "encryption":
      return encryption(spec);
    case "crypto":
      return await crypto(spec);
    case "ecc":
      return ecc(spec);
    case "splitter":
      return splitting(spec);
    case "index":
      return indexLookups(spec);
    case "compression":
      return compression(spec);
  }
}

type SpecOf<K extends KernelSpec["kind"]> = Extract<KernelSpec, { kind: K }>;

async function hashing({ hash: name, blockBytes }: SpecOf<"hashing">): Promise<Kernel> {
  const hash = await createHashFunction(name, new Uint8Array(KEY_BYTES));
  const block = new Uint8Array(blockBytes);
  return { passBytes: blockBytes, run: () => void hash.hash(block) };
}

function encryption({ encryption: name, blockBytes }: SpecOf<"encryption">): Kernel {
  const cipher = createEncryptor(name, new Uint8Array(KEY_BYTES));
  const block = new Uint8Array(blockBytes);
  const iv = new Uint8Array(CONTENT_IV_BYTES);
  const output = new Uint8Array(blockBytes + cipher.overheadBytes);
  return { passBytes: blockBytes, run: () => void cipher.encryptInto(block, iv, output) };
}

async function crypto(spec: SpecOf<"crypto">): Promise<Kernel> {
  const hash = await createHashFunction(spec.hash, new Uint8Array(KEY_BYTES));
  const cipher = createEncryptor(spec.encryption, new Uint8Array(KEY_BYTES));
  const block = new Uint8Array(spec.blockBytes);
  const output = new Uint8Array(spec.blockBytes + cipher.overheadBytes);
  const run = (): void =>
    void cipher.encryptInto(block, hash.hash(block).subarray(-CONTENT_IV_BYTES), output);
  return { passBytes: spec.blockBytes, run };
}

function ecc({ operation, overheadPercent, blockBytes }: SpecOf<"ecc">): Kernel {
  const codec = new EccCodec(overheadPercent);
  const block = new Uint8Array(blockBytes);
  const encoded = codec.encode(block);
  const run =
    operation === "encode" ? () => void codec.encode(block) : () => void codec.decode(encoded);
  return { passBytes: blockBytes, outputBytes: encoded.length, run };
}

function splitting({ splitter: name, seed, blockCount, blockBytes }: SpecOf<"splitter">): Kernel {
  const splitter = splitterFactory(name)?.create();
  if (splitter === undefined) throw unknown("splitter", name);
  const blocks = Array.from({ length: blockCount }, (_, i) => randomBlock(seed + i, blockBytes));
  const segmentLengths = (): number[] => blocks.flatMap((block) => segmentsOf(splitter, block));
  return { passBytes: blockCount * blockBytes, segmentLengths, run: () => void segmentLengths() };
}

function segmentsOf(splitter: Splitter, block: Uint8Array): number[] {
  const lengths: number[] = [];
  splitter.reset();
  let position = 0;
  while (position < block.length) {
    const length = splitter.nextSplitPoint(block, position, block.length);
    lengths.push(length < 0 ? block.length - position : length);
    if (length < 0) break;
    position += length;
  }
  return lengths;
}

function indexLookups({ contentCount, blobCount }: SpecOf<"index">): Kernel {
  const index = new CommittedIndex();
  const keys = new Uint8Array(randomBlock(1, contentCount * INDEX_KEY_BYTES));
  for (let at = 0; at < keys.length; at += INDEX_KEY_BYTES) keys[at] = 0;
  for (let blob = 0; blob < blobCount; blob++) {
    const table = new ContentEntryTable(INDEX_KEY_BYTES);
    for (let number = blob; number < contentCount; number += blobCount) {
      const key = keys.subarray(number * INDEX_KEY_BYTES, (number + 1) * INDEX_KEY_BYTES);
      table.set({ ...MADE_UP_ENTRY, contentId: keyToContentId(key), packOffset: number });
    }
    const [bytes] = buildIndexShards(table, { version: 2 });
    if (bytes !== undefined) index.add([{ blobId: `made-up-${blob}`, bytes }]);
  }
  const run = (): void => {
    for (let at = 0; at < keys.length; at += INDEX_KEY_BYTES) {
      if (index.hasKey(keys, at) !== 1) throw new RangeError("a content is not in its index");
    }
  };
  return { passBytes: contentCount, outputBytes: index.residentBytes, run };
}

function compression({ operation, compressor: name, data }: SpecOf<"compression">): Kernel {
  const compressor = compressorByName(name);
  if (compressor === undefined) throw unknown("compressor", name);
  const packed = compressor.compress(data);
  return {
    passBytes: data.length,
    outputBytes: packed.length,
    output: () => compressor.compress(data),
    run:
      operation === "compress"
        ? () => void compressor.compress(data)
        : () => void compressor.decompress(packed, data.length),
  };
}

/** Incompressible bytes of a seed (xorshift); not those of the original, so that its segments are others. */
function randomBlock(seed: number, lengthBytes: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(lengthBytes / 4));
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, lengthBytes);
}

function unknown(what: string, name: string): KopiaError {
  return new KopiaError("ALGORITHM_UNKNOWN", `unknown ${what} ${JSON.stringify(name)}`, {
    details: { algorithm: name },
  });
}
