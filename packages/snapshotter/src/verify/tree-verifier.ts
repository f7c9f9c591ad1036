import {
  KopiaError,
  errorMessage,
  releaseBytes,
  systemRandom,
  type BlobId,
  type ContentId,
} from "@kopia-engine/kopia-format";
import { readDirectory } from "../fs/read-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { ObjectIdSet } from "./object-id-set.ts";
import type { VerifyError, VerifyOptions, VerifyStats } from "./verify-snapshots.ts";

const MAX_BATCH_ITEMS = 512;
const MAX_BATCH_BYTES = 2 ** 24;
const MAX_WHOLE_BYTES = 2 ** 23;
const DIRECT_OBJECT_ID = /^[g-z]?[0-9a-f]+$/;

interface Node {
  readonly path: string;
  readonly entry: DirectoryEntry;
}

/** Walks trees depth-first and checks each object once. */
export class TreeVerifier {
  readonly stats: { -readonly [Key in keyof VerifyStats]: VerifyStats[Key] } = {
    processedObjectCount: 0,
    processedBytes: 0,
    readFileCount: 0,
    readBytes: 0,
    expectedTotalObjectCount: 0,
    expectedTotalFileCount: 0,
    expectedTotalBytes: 0,
  };
  readonly errors: VerifyError[] = [];
  readonly #options: VerifyOptions;
  readonly #maxErrors: number;
  readonly #seen = new ObjectIdSet();
  readonly #blobLengths = new Map<BlobId, number>();
  #toRead: Node[] = [];
  #toReadBytes = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const { maxErrors = 0 } = options;
    this.#maxErrors = maxErrors < 0 ? Infinity : Math.max(1, maxErrors);
  }

  async run(): Promise<void> {
    for await (const blob of this.#options.repository.storage.list("")) {
      this.#blobLengths.set(blob.id, blob.lengthBytes);
    }
    this.#options.onBlobsListed?.(this.#blobLengths.size);
    for (const { entry } of this.#options.roots) this.#expect(entry);
    for (const root of this.#options.roots) await this.#walk(root);
    await this.#readBatch();
    this.#options.onProgress?.(this.stats);
  }

  get #isStopped(): boolean {
    return this.errors.length >= this.#maxErrors;
  }

  #expect({ type, sizeBytes, summary }: DirectoryEntry): void {
    const { stats } = this;
    const files = summary?.fileCount ?? (type === "d" ? 0 : 1);
    stats.expectedTotalFileCount += files;
    stats.expectedTotalObjectCount +=
      files + (summary?.directoryCount ?? 0) + (summary?.symlinkCount ?? 0);
    stats.expectedTotalBytes += Number(summary?.totalFileSizeBytes ?? sizeBytes);
  }

  async #walk(root: Node): Promise<void> {
    const stack: Node[] = [];
    if (this.#seen.add(root.entry.objectId)) stack.push(root);
    while (stack.length > 0 && !this.#isStopped) {
      const node = stack.pop() as Node;
      if (node.entry.type === "d") await this.#verifyDirectory(node, stack);
      else await this.#verifyFile(node);
      if (this.#toRead.length >= MAX_BATCH_ITEMS || this.#toReadBytes >= MAX_BATCH_BYTES) {
        await this.#readBatch();
      } else if (this.stats.processedObjectCount % MAX_BATCH_ITEMS === 0) await this.#breathe();
    }
  }

  async #verifyDirectory(node: Node, stack: Node[]): Promise<void> {
    let entries: readonly DirectoryEntry[];
    try {
      ({ entries } = await readDirectory(this.#options.repository.objects, node.entry.objectId));
    } catch (error) {
      this.#fail(node, `error reading directory: ${errorMessage(error)}`, error);
      return;
    }
    this.stats.processedObjectCount++;
    // The last pushed is visited first: files in order, then directories.
    for (const entry of entries.toReversed()) {
      if (entry.type === "d" && this.#seen.add(entry.objectId)) stack.push(childOf(node, entry));
    }
    for (const entry of entries) {
      if (this.#isStopped) return;
      if (entry.type === "d" || !this.#seen.add(entry.objectId)) continue;
      const file = childOf(node, entry);
      // Most files are one content: no promise for those.
      if (DIRECT_OBJECT_ID.test(entry.objectId)) this.#verifyDirectFile(file);
      else await this.#verifyFile(file);
    }
  }

  #verifyDirectFile(node: Node): void {
    try {
      this.#checkContent(node, node.entry.objectId);
      this.#accept(node);
    } catch (error) {
      this.#fail(node, errorMessage(error), error);
    }
  }

  async #verifyFile(node: Node): Promise<void> {
    try {
      const { objects } = this.#options.repository;
      for (const contentId of await objects.verifyObject(node.entry.objectId)) {
        this.#checkContent(node, contentId);
      }
      this.#accept(node);
    } catch (error) {
      this.#fail(node, errorMessage(error), error);
    }
  }

  /** A content must be in the index, and inside a pack that exists. */
  #checkContent({ entry }: Node, contentId: ContentId): void {
    const info = this.#options.repository.contents.getContentInfo(contentId);
    const { objectId } = entry;
    if (info === undefined) {
      throw new KopiaError(
        "CONTENT_NOT_FOUND",
        `verify object: error getting content info for ${contentId}: content not found`,
        { details: { objectId, contentId } },
      );
    }
    const lengthBytes = this.#blobLengths.get(info.packBlobId);
    if (lengthBytes === undefined) {
      throw new KopiaError(
        "BLOB_NOT_FOUND",
        `object ${objectId} is backed by missing blob ${info.packBlobId}`,
        { details: { objectId, contentId, blobId: info.packBlobId } },
      );
    }
    if (info.packOffset + info.packedLength > lengthBytes) {
      throw new KopiaError(
        "STORAGE_RANGE",
        `object ${objectId} is backed by truncated blob ${info.packBlobId}`,
        { details: { objectId, contentId, blobId: info.packBlobId, lengthBytes } },
      );
    }
  }

  #accept(node: Node): void {
    this.stats.processedObjectCount++;
    this.stats.processedBytes += Number(node.entry.sizeBytes);
    if (!this.#isChosen()) return;
    this.#toRead.push(node);
    this.#toReadBytes += Math.min(Number(node.entry.sizeBytes), MAX_WHOLE_BYTES);
  }

  #isChosen(): boolean {
    const percent = this.#options.verifyFilesPercent ?? 0;
    if (percent <= 0) return false;
    if (percent >= 100) return true;
    const bytes = (this.#options.random ?? systemRandom)(4);
    const fraction = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
    return fraction * 100 < percent;
  }

  /** Reads the chosen files: those of one content in pack order, the others piece by piece. */
  async #readBatch(): Promise<void> {
    const nodes = this.#toRead;
    this.#toRead = [];
    this.#toReadBytes = 0;
    const { contents } = this.#options.repository;
    const direct = new Map<ContentId, Node>();
    for (const node of nodes) {
      const { objectId, sizeBytes } = node.entry;
      if (DIRECT_OBJECT_ID.test(objectId) && sizeBytes <= MAX_WHOLE_BYTES) {
        direct.set(objectId, node);
      } else if (!this.#isStopped) await this.#readWhole(node);
    }
    if (direct.size > 0 && !this.#isStopped) {
      for await (const result of contents.getContents(direct.keys())) {
        const node = direct.get(result.contentId);
        if (node === undefined) continue;
        if (result.error === undefined) this.#countRead(result.data.length);
        else this.#failRead(node, result.error);
        if (this.#isStopped) break;
      }
    }
    await this.#breathe();
  }

  async #readWhole(node: Node): Promise<void> {
    try {
      const reader = await this.#options.repository.objects.openObject(node.entry.objectId);
      let lengthBytes = 0;
      for await (const piece of reader.chunks()) {
        lengthBytes += piece.length;
        releaseBytes(piece);
      }
      this.#countRead(lengthBytes);
    } catch (error) {
      this.#failRead(node, error);
    }
  }

  #countRead(lengthBytes: number): void {
    this.stats.readFileCount++;
    this.stats.readBytes += lengthBytes;
  }

  #failRead(node: Node, error: unknown): void {
    const message = `error reading object ${node.entry.objectId}: ${errorMessage(error)}`;
    this.#fail(node, message, error);
  }

  #fail({ path }: Node, message: string, cause: unknown): void {
    if (!(cause instanceof Error)) throw cause;
    this.#options.signal?.throwIfAborted();
    if (this.#isStopped) return;
    const error = { path, message };
    this.errors.push(error);
    this.#options.onError?.(error);
  }

  async #breathe(): Promise<void> {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#options.signal?.throwIfAborted();
    this.#options.onProgress?.(this.stats);
  }
}

function childOf(parent: Node, entry: DirectoryEntry): Node {
  return { path: `${parent.path}/${entry.name}`, entry };
}
