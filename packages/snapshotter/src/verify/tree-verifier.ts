import {
  errorMessage,
  releaseBytes,
  systemRandom,
  type ContentId,
  type ObjectPiece,
  type Repository,
} from "@kopia-engine/kopia-format";
import { readDirectory } from "../fs/read-directory.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { ObjectChecker } from "./object-checker.ts";
import { ObjectIdSet } from "./object-id-set.ts";
import { ReadQueue } from "./read-queue.ts";
import type { VerifyError, VerifyOptions, VerifyStats } from "./verify-snapshots.ts";
import { DIRECT_OBJECT_ID } from "../model/direct-object-id.ts";

const MAX_BATCH_ITEMS = 512;
const MAX_BATCH_BYTES = 2 ** 24;
const MAX_WHOLE_BYTES = 2 ** 23;
/** A large file is read in parts of about this. */
const PART_BYTES = 2 ** 23;

interface Node {
  readonly path: string;
  readonly entry: DirectoryEntry;
}

/** A file whose parts are being read. */
interface FileInParts {
  readonly node: Node;
  readonly lengthBytes: number;
  pendingCount: number;
  isUnread: boolean;
}

/** What contents are read for. */
type ReadContext =
  | { readonly kind: "files"; readonly direct: ReadonlyMap<ContentId, Node> }
  | { readonly kind: "part"; readonly file: FileInParts };

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
  #checker: ObjectChecker | undefined;
  /** Absent where only the repository itself can read contents. */
  #queue: ReadQueue<ReadContext> | undefined;
  #toRead: Node[] = [];
  #toReadBytes = 0;

  constructor(options: VerifyOptions) {
    this.#options = options;
    const { maxErrors = 0 } = options;
    this.#maxErrors = maxErrors < 0 ? Infinity : Math.max(1, maxErrors);
  }

  async run(): Promise<void> {
    const { checker } = this.#options;
    this.#checker = checker ?? (await ObjectChecker.create(this.#options.repository));
    for (const { entry } of this.#options.roots) this.#expect(entry);
    this.#options.onProgress?.(this.stats);
    const { repository, threads = {}, verifyFilesPercent = 0, shouldReadFile } = this.#options;
    if (verifyFilesPercent > 0 || shouldReadFile !== undefined) {
      this.#queue = await ReadQueue.open(repository as Partial<Repository>, threads);
    }
    try {
      for (const root of this.#options.roots) await this.#walk(root);
      await this.#readBatch();
      await this.#awaitResults();
    } finally {
      await this.#queue?.close();
    }
    this.#options.onProgress?.(this.stats);
  }

  get #isStopped(): boolean {
    return this.errors.length >= this.#maxErrors;
  }

  /** As Kopia counts: by the summaries of directories, and not a snapshot of a single file. */
  #expect({ type, summary }: DirectoryEntry): void {
    if (type !== "d" || summary === undefined) return;
    const { stats } = this;
    const { fileCount, directoryCount, symlinkCount } = summary;
    stats.expectedTotalFileCount += fileCount;
    stats.expectedTotalObjectCount += fileCount + directoryCount + symlinkCount;
    stats.expectedTotalBytes += Number(summary.totalFileSizeBytes);
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
    this.stats.processedObjectCount++;
    try {
      ({ entries } = await readDirectory(this.#options.repository.objects, node.entry.objectId));
    } catch (error) {
      this.#fail(node, `error reading directory: ${errorMessage(error)}`, error);
      return;
    }
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
    this.#countProcessed(node);
    try {
      this.#requireChecker().checkContent(node.entry.objectId, node.entry.objectId);
      this.#accept(node);
    } catch (error) {
      this.#fail(node, errorMessage(error), error);
    }
  }

  async #verifyFile(node: Node): Promise<void> {
    this.#countProcessed(node);
    try {
      await this.#requireChecker().check(node.entry.objectId);
      this.#accept(node);
    } catch (error) {
      this.#fail(node, errorMessage(error), error);
    }
  }

  #requireChecker(): ObjectChecker {
    if (this.#checker === undefined) throw new TypeError("the storage is listed first");
    return this.#checker;
  }

  /** What was looked at, whether it is whole or not. */
  #countProcessed({ entry }: Node): void {
    this.stats.processedObjectCount++;
    this.stats.processedBytes += Number(entry.sizeBytes);
  }

  #accept(node: Node): void {
    if (!this.#isChosen(node.entry.objectId)) return;
    this.#toRead.push(node);
    this.#toReadBytes += Math.min(Number(node.entry.sizeBytes), MAX_WHOLE_BYTES);
  }

  #isChosen(objectId: string): boolean {
    const { shouldReadFile, verifyFilesPercent: percent = 0 } = this.#options;
    if (shouldReadFile !== undefined) return shouldReadFile(objectId);
    if (percent <= 0) return false;
    if (percent >= 100) return true;
    const bytes = (this.#options.random ?? systemRandom)(4);
    const fraction = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32;
    return fraction * 100 < percent;
  }

  async #readBatch(): Promise<void> {
    const nodes = this.#toRead;
    this.#toRead = [];
    this.#toReadBytes = 0;
    const direct = new Map<ContentId, Node>();
    for (const node of nodes) {
      if (this.#isStopped) break;
      const { objectId, sizeBytes } = node.entry;
      if (DIRECT_OBJECT_ID.test(objectId) && sizeBytes <= MAX_WHOLE_BYTES) {
        direct.set(objectId, node);
      } else await this.#readLarge(node);
    }
    if (direct.size > 0 && !this.#isStopped) {
      if (this.#queue === undefined) await this.#readDirect(direct, direct.keys());
      else await this.#queue.push(anyLength(direct.keys()), { kind: "files", direct });
    }
    await this.#breathe();
    await this.#takeResults();
  }

  /** Reads files of one content in pack order. */
  async #readDirect(direct: ReadonlyMap<ContentId, Node>, ids: Iterable<ContentId>): Promise<void> {
    for await (const result of this.#options.repository.contents.getContents(ids)) {
      const node = direct.get(result.contentId);
      if (node === undefined) continue;
      if (result.error === undefined) this.#countRead(1, result.data.length);
      else this.#failRead(node, result.error);
      if (this.#isStopped) return;
    }
  }

  /** A file of many contents: in parts, by threads, each content once however often the file repeats it. */
  async #readLarge(node: Node): Promise<void> {
    const queue = this.#queue;
    let pieces: readonly ObjectPiece[];
    try {
      if (queue === undefined) return await this.#readWhole(node);
      pieces = await this.#options.repository.objects.objectPieces(node.entry.objectId);
    } catch (error) {
      return this.#failRead(node, error);
    }
    // A compressed object does not say how long its contents are.
    if (pieces.length === 0 || pieces.some(({ compressed }) => compressed))
      return await this.#readWhole(node);
    const last = pieces.at(-1);
    const lengthBytes = last === undefined ? 0 : last.offsetBytes + last.lengthBytes;
    const parts = partsOf(pieces);
    const file = { node, lengthBytes, pendingCount: parts.length, isUnread: false };
    for (const part of parts) {
      await queue.push(part, { kind: "part", file });
      await this.#breathe();
      await this.#takeResults();
      if (this.#isStopped) return;
    }
  }

  async #takeResults(): Promise<void> {
    for (const { context, readCount, readBytes, unread } of this.#queue?.takeFinished() ?? []) {
      if (this.#isStopped) return;
      if (context.kind === "files") {
        this.#countRead(readCount, readBytes);
        // Asked again: for the reason, and because upkeep may have moved a content meanwhile.
        if (unread.length > 0) await this.#readDirect(context.direct, unread);
        continue;
      }
      const { file } = context;
      file.isUnread ||= unread.length > 0;
      if (--file.pendingCount > 0) continue;
      if (file.isUnread) await this.#readWhole(file.node);
      else this.#countRead(1, file.lengthBytes);
    }
  }

  async #awaitResults(): Promise<void> {
    while (!this.#isStopped && (await this.#queue?.next()) === true) {
      this.#options.signal?.throwIfAborted();
      await this.#takeResults();
      this.#options.onProgress?.(this.stats);
    }
  }

  async #readWhole(node: Node): Promise<void> {
    try {
      const reader = await this.#options.repository.objects.openObject(node.entry.objectId);
      let lengthBytes = 0;
      for await (const piece of reader.chunks()) {
        lengthBytes += piece.length;
        releaseBytes(piece);
      }
      this.#countRead(1, lengthBytes);
    } catch (error) {
      this.#failRead(node, error);
    }
  }

  #countRead(fileCount: number, lengthBytes: number): void {
    this.stats.readFileCount += fileCount;
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

function anyLength(ids: Iterable<ContentId>): ReadonlyMap<ContentId, number> {
  const wanted = new Map<ContentId, number>();
  for (const id of ids) wanted.set(id, -1);
  return wanted;
}

/** The distinct contents of a file with their lengths, in parts. */
function partsOf(pieces: readonly ObjectPiece[]): ReadonlyMap<ContentId, number>[] {
  const seen = new Map<ContentId, number>();
  const parts: Map<ContentId, number>[] = [];
  let partBytes = Infinity;
  for (const { contentId, lengthBytes } of pieces) {
    // One content of two lengths is damage: the second comes once more, and one of them will not do.
    if (seen.get(contentId) === lengthBytes) continue;
    if (partBytes >= PART_BYTES || seen.has(contentId)) {
      parts.push(new Map());
      partBytes = 0;
    }
    seen.set(contentId, lengthBytes);
    parts.at(-1)?.set(contentId, lengthBytes);
    partBytes += lengthBytes;
  }
  return parts;
}
