import { KopiaError } from "../base/errors.ts";
import type { ContentWriter } from "../content/content-store.ts";
import type { SplitterFactory } from "../splitter/splitter.ts";
import { ContentObjectStore, type ObjectStoreOptions } from "./content-object-store.ts";
import {
  ContentObjectWriter,
  SegmenterPool,
  writeIndirectObject,
  writeUncutObject,
  type WriterContext,
} from "./content-object-writer.ts";
import type { IndirectEntry } from "./indirect-list.ts";
import { formatObjectId, type ObjectId } from "./object-id.ts";
import { SplitterCutter } from "./object-cutter.ts";
import type {
  ObjectCutter,
  ObjectWriter,
  ObjectWriterOptions,
  ObjectWriterStore,
  StoredPiece,
  WriteObjectOptions,
} from "./object-store.ts";

/** What writing objects needs besides contents. */
export interface ObjectWriterStoreOptions extends ObjectStoreOptions {
  readonly splitterFactory: (name: string) => SplitterFactory | undefined;
  /** The repository's splitter, as its format says; empty means `FIXED` (spec 2 §1.1). */
  readonly defaultSplitter: string;
  readonly indexVersion: number;
}

/** Objects over contents, for reading and writing. */
export class ContentObjectWriterStore extends ContentObjectStore implements ObjectWriterStore {
  readonly #context: WriterContext;

  /** @throws KopiaError `ALGORITHM_UNKNOWN` when the repository's splitter is not known. */
  constructor(contents: ContentWriter, options: ObjectWriterStoreOptions) {
    super(contents, options);
    const defaultSplitter = options.defaultSplitter === "" ? "FIXED" : options.defaultSplitter;
    this.#context = {
      contents,
      segmenters: new SegmenterPool(options.splitterFactory, defaultSplitter),
      legacyCompressor: options.indexVersion < 2 ? options.compressorByHeaderId : undefined,
    };
  }

  createWriter(options: ObjectWriterOptions = {}): ObjectWriter {
    return new ContentObjectWriter(this.#context, options);
  }

  writeObject(data: Uint8Array, options: WriteObjectOptions = {}): ObjectId {
    const uncut = writeUncutObject(this.#context, data, options);
    if (uncut !== undefined) return uncut;
    const writer = this.createWriter(options);
    writer.write(data);
    return writer.finish();
  }

  createCutter(options: Pick<ObjectWriterOptions, "splitter"> = {}): ObjectCutter | undefined {
    const { legacyCompressor, segmenters } = this.#context;
    if (legacyCompressor !== undefined) return undefined;
    return new SplitterCutter(segmenters.createSplitter(segmenters.resolveName(options.splitter)));
  }

  joinPieces(
    pieces: readonly StoredPiece[],
    options: Pick<ObjectWriterOptions, "metadataCompressionHeaderId"> = {},
  ): ObjectId {
    const [first] = pieces;
    if (first === undefined) {
      throw new KopiaError("ARGUMENT_INVALID", "there is nothing to join");
    }
    if (pieces.length === 1) return first.contentId;
    let offsetBytes = 0;
    const entries = pieces.map(({ contentId, lengthBytes }): IndirectEntry => {
      const entry = { offsetBytes, lengthBytes, objectId: contentId };
      offsetBytes += lengthBytes;
      return entry;
    });
    return writeIndirectObject(this.#context, entries, options);
  }

  async concatenate(
    ids: readonly ObjectId[],
    metadataCompressionHeaderId?: number,
  ): Promise<ObjectId> {
    const first = ids[0];
    if (first === undefined) {
      throw new KopiaError("ARGUMENT_INVALID", "there is nothing to concatenate");
    }
    if (ids.length === 1) return first;
    const entries: IndirectEntry[] = [];
    let lengthBytes = 0;
    for (const id of ids) {
      for (const piece of await this.objectPieces(id)) {
        entries.push({
          offsetBytes: lengthBytes,
          lengthBytes: piece.lengthBytes,
          objectId: formatObjectId({ ...piece, indirection: 0 }),
        });
        lengthBytes += piece.lengthBytes;
      }
    }
    const metadata =
      metadataCompressionHeaderId === undefined ? {} : { metadataCompressionHeaderId };
    return writeIndirectObject(this.#context, entries, { ...metadata });
  }
}
