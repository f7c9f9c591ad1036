import type { Bytes } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import type { Compressor } from "../compression/compressor.ts";
import type { ContentWriter } from "../content/content-store.ts";
import type { Splitter, SplitterFactory } from "../splitter/splitter.ts";
import { encodeIndirectList, type IndirectEntry } from "./indirect-list.ts";
import { formatObjectId, parseObjectId, type ObjectId } from "./object-id.ts";
import type { ObjectWriter, ObjectWriterOptions, WriteObjectOptions } from "./object-store.ts";

/** Prefix of index streams of objects that have none (spec 2 §2.4). */
const INDEX_PREFIX = "x";
/** First size of a segment buffer: small files need no more. */
const FIRST_BUFFER_BYTES = 2 ** 16;
const COMPRESSION_HEADER_BYTES = 4;

/** What all writers of one store share. */
export interface WriterContext {
  readonly contents: ContentWriter;
  readonly segmenters: SegmenterPool;
  /** Set in repositories of index version 1, whose contents cannot be compressed (spec 2 §2.6). */
  readonly legacyCompressor: ((headerId: number) => Compressor | undefined) | undefined;
}

/** A splitter with the bytes since its last cut. */
export interface Segmenter {
  readonly splitter: Splitter;
  buffer: Bytes;
  usedBytes: number;
}

/** Splitters and their buffers are reused from object to object: both are expensive to make. */
export class SegmenterPool {
  readonly #factory: (name: string) => SplitterFactory | undefined;
  readonly #defaultName: string;
  readonly #idle = new Map<string, Segmenter[]>();

  /** @throws KopiaError `ALGORITHM_UNKNOWN` when the repository's splitter is not known. */
  constructor(factory: (name: string) => SplitterFactory | undefined, defaultName: string) {
    this.#factory = factory;
    this.#defaultName = defaultName;
    if (factory(defaultName) === undefined) {
      throw new KopiaError("ALGORITHM_UNKNOWN", `splitter ${defaultName} is not known`, {
        details: { splitter: defaultName },
      });
    }
  }

  /** An unknown name means the repository's splitter (spec 2 §1.1). */
  resolveName(name: string | undefined): string {
    if (name === undefined || name === "") return this.#defaultName;
    return this.#factory(name) === undefined ? this.#defaultName : name;
  }

  take(name: string): Segmenter {
    const idle = this.#idle.get(name)?.pop();
    if (idle !== undefined) return idle;
    const splitter = this.createSplitter(name);
    return { splitter, buffer: new Uint8Array(FIRST_BUFFER_BYTES), usedBytes: 0 };
  }

  createSplitter(name: string): Splitter {
    return (this.#factory(name) as SplitterFactory).create();
  }

  giveBack(name: string, segmenter: Segmenter): void {
    segmenter.splitter.reset();
    segmenter.usedBytes = 0;
    const idle = this.#idle.get(name);
    if (idle === undefined) this.#idle.set(name, [segmenter]);
    else idle.push(segmenter);
  }
}

/** Writes one object into contents (spec 2 §2.4). */
export class ContentObjectWriter implements ObjectWriter {
  readonly #context: WriterContext;
  readonly #options: ObjectWriterOptions;
  readonly #splitterName: string;
  readonly #entries: IndirectEntry[] = [];
  #segmenter: Segmenter | undefined;
  #flushedBytes = 0;

  constructor(context: WriterContext, options: ObjectWriterOptions) {
    this.#context = context;
    this.#options = options;
    this.#splitterName = context.segmenters.resolveName(options.splitter);
    this.#segmenter = context.segmenters.take(this.#splitterName);
  }

  get lengthBytes(): number {
    return this.#flushedBytes + (this.#segmenter?.usedBytes ?? 0);
  }

  write(data: Uint8Array): void {
    const segmenter = this.#openSegmenter();
    let start = 0;
    while (start < data.length) {
      const cutLength = segmenter.splitter.nextSplitPoint(data, start, data.length);
      if (cutLength < 0) {
        appendToBuffer(segmenter, data.subarray(start));
        return;
      }
      const rest = data.subarray(start, start + cutLength);
      start += cutLength;
      if (segmenter.usedBytes === 0) {
        this.#flushSegment(rest);
        continue;
      }
      appendToBuffer(segmenter, rest);
      this.#flushBuffer(segmenter);
    }
  }

  finish(): ObjectId {
    const segmenter = this.#openSegmenter();
    // An empty object is one content of no bytes.
    if (segmenter.usedBytes > 0 || this.#entries.length === 0) this.#flushBuffer(segmenter);
    this.#segmenter = undefined;
    this.#context.segmenters.giveBack(this.#splitterName, segmenter);
    return this.#indexId();
  }

  checkpoint(): ObjectId {
    return this.#entries.length === 0 ? "" : this.#indexId();
  }

  #openSegmenter(): Segmenter {
    if (this.#segmenter !== undefined) return this.#segmenter;
    throw new KopiaError("ARGUMENT_INVALID", "this object is finished: write into a new one");
  }

  #flushBuffer(segmenter: Segmenter): void {
    const { usedBytes } = segmenter;
    segmenter.usedBytes = 0;
    this.#flushSegment(segmenter.buffer.subarray(0, usedBytes));
  }

  #flushSegment(segment: Uint8Array): void {
    const objectId = writeSegment(this.#context, segment, this.#options);
    this.#entries.push({
      offsetBytes: this.#flushedBytes,
      lengthBytes: segment.length,
      objectId,
    });
    this.#flushedBytes += segment.length;
  }

  #indexId(): ObjectId {
    const only = this.#entries.length === 1 ? this.#entries[0] : undefined;
    if (only !== undefined) return only.objectId;
    return writeIndirectObject(this.#context, this.#entries, this.#options);
  }
}

/**
 * Writes an object that the splitter does not cut, without a copy of its bytes; `undefined` when it does cut it.
 */
export function writeUncutObject(
  context: WriterContext,
  data: Uint8Array,
  options: WriteObjectOptions,
): ObjectId | undefined {
  const { segmenters } = context;
  const name = segmenters.resolveName(options.splitter);
  const segmenter = segmenters.take(name);
  const cutLength = segmenter.splitter.nextSplitPoint(data, 0, data.length);
  segmenters.giveBack(name, segmenter);
  if (cutLength >= 0 && cutLength < data.length) return undefined;
  return writeSegment(context, data, options);
}

/** Stores one piece of an object as a content. */
function writeSegment(
  { contents, legacyCompressor }: WriterContext,
  segment: Uint8Array,
  options: WriteObjectOptions,
): ObjectId {
  const { prefix = "", compressionHeaderId = 0, hash } = options;
  if (legacyCompressor === undefined) {
    const known = hash === undefined ? {} : { hash };
    return contents.writeContent(segment, { prefix, compressionHeaderId, ...known });
  }
  const compressor =
    prefix === "" && compressionHeaderId !== 0 ? legacyCompressor(compressionHeaderId) : undefined;
  const compressed = compressor && compressWithHeader(compressor, segment);
  if (compressed === undefined || compressed.length >= segment.length) {
    return contents.writeContent(segment, { prefix });
  }
  const contentId = contents.writeContent(compressed, { prefix });
  return formatObjectId({ indirection: 0, compressed: true, contentId });
}

/**
 * Writes a list of pieces as an index stream and gives the ID of the object they make. Always with the
 * repository's splitter, and the metadata compressor in both roles (spec 2 §2.4 step 3).
 */
export function writeIndirectObject(
  context: WriterContext,
  entries: readonly IndirectEntry[],
  options: Pick<ObjectWriterOptions, "prefix" | "metadataCompressionHeaderId">,
): ObjectId {
  const compressionHeaderId = options.metadataCompressionHeaderId ?? 0;
  const writer = new ContentObjectWriter(context, {
    prefix: options.prefix === undefined || options.prefix === "" ? INDEX_PREFIX : options.prefix,
    compressionHeaderId,
    metadataCompressionHeaderId: compressionHeaderId,
  });
  writer.write(encodeIndirectList(entries));
  const inner = parseObjectId(writer.finish());
  return formatObjectId({ ...inner, indirection: inner.indirection + 1 });
}

function appendToBuffer(segmenter: Segmenter, data: Uint8Array): void {
  const needed = segmenter.usedBytes + data.length;
  if (needed > segmenter.buffer.length) {
    // Doubling, but never beyond the longest segment there can be.
    const doubled = Math.min(segmenter.buffer.length * 2, segmenter.splitter.maxSegmentBytes);
    const grown = new Uint8Array(Math.max(needed, doubled));
    grown.set(segmenter.buffer.subarray(0, segmenter.usedBytes));
    segmenter.buffer = grown;
  }
  segmenter.buffer.set(data, segmenter.usedBytes);
  segmenter.usedBytes = needed;
}

function compressWithHeader(compressor: Compressor, data: Uint8Array): Bytes {
  const stream = compressor.compress(data);
  const framed = new Uint8Array(COMPRESSION_HEADER_BYTES + stream.length);
  new DataView(framed.buffer).setUint32(0, compressor.headerId);
  framed.set(stream, COMPRESSION_HEADER_BYTES);
  return framed;
}
