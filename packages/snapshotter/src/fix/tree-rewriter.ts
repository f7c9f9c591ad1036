import {
  KopiaError,
  errorMessage,
  isKopiaError,
  type ObjectWriterStore,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import { readDirectory } from "../fs/read-directory.ts";
import { buildDirectory } from "../model/build-directory.ts";
import type { DirectoryEntry, DirectoryListing } from "../model/directory-entry.ts";
import { encodeDirectory } from "../model/encode-directory.ts";
import { writeStubEntry } from "./stub-entry.ts";

/** What becomes of a directory that cannot be read. */
export type InvalidDirectoryHandling = "fail" | "stub" | "keep";

/** What becomes of a file that cannot be read. */
export type InvalidFileHandling = "fail" | "stub" | "keep" | "remove";

/** What is to be done with trees. */
export interface RewriteRules {
  /**
   * What takes the place of a file or another entry that is no directory: itself, another one, or nothing.
   * What it throws ends the rewriting.
   */
  rewriteEntry(
    entry: DirectoryEntry,
    path: string,
    objects: ObjectWriterStore,
  ): Promise<DirectoryEntry | undefined>;
  /** Whether a directory below the root goes with everything in it. Default: none does. */
  removesDirectory?(entry: DirectoryEntry, path: string): boolean;
  readonly invalidDirectories: InvalidDirectoryHandling;
}

const FLUSH_CHECK_EVERY = 64;

/**
 * Writes trees again with some of their entries changed (spec 3 §3.3). Directories without changes keep their
 * objects. Each directory is looked at once, however many snapshots have it.
 */
export class TreeRewriter {
  readonly #session: WriteSession;
  readonly #rules: RewriteRules;
  readonly #done = new Map<string, DirectoryEntry>();
  #directories = 0;

  constructor(session: WriteSession, rules: RewriteRules) {
    this.#session = session;
    this.#rules = rules;
  }

  /**
   * The entry with its tree rewritten; the same one when nothing changed.
   * @param metadataCompressionHeaderId for the directories that are written, 0 for none.
   * @throws KopiaError naming the place: what the rules throw, an unreadable directory where that is to fail.
   */
  async rewriteRoot(
    root: DirectoryEntry,
    metadataCompressionHeaderId: number,
  ): Promise<DirectoryEntry> {
    if (root.type !== "d") {
      const entry = await this.#rules.rewriteEntry(root, root.name, this.#session.objects);
      if (entry === undefined || entry.type !== root.type) {
        throw new KopiaError("DIRECTORY_CORRUPT", "the root of a snapshot cannot be replaced", {
          details: { objectId: root.objectId },
        });
      }
      return { ...entry, name: root.name };
    }
    return this.#rewriteDirectory(root, "", metadataCompressionHeaderId);
  }

  async #rewriteDirectory(
    directory: DirectoryEntry,
    path: string,
    compression: number,
  ): Promise<DirectoryEntry> {
    // An empty directory's time is part of its summary.
    const key = `${directory.objectId} ${directory.modTime}`;
    const done = this.#done.get(key);
    if (done !== undefined) return withTree(directory, done);
    let listing: DirectoryListing;
    try {
      listing = await readDirectory(this.#session.objects, directory.objectId);
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      return this.#replaceUnreadable(directory, path, error);
    }
    const entries: DirectoryEntry[] = [];
    let isChanged = false;
    for (const entry of listing.entries) {
      const rewritten = await this.#rewriteChild(entry, path, compression);
      if (rewritten !== entry) isChanged = true;
      if (rewritten !== undefined) entries.push(rewritten);
    }
    const result = isChanged
      ? this.#write(directory, { listing, entries, compression })
      : directory;
    this.#done.set(key, result);
    if (++this.#directories % FLUSH_CHECK_EVERY === 0) await this.#session.contents.settle();
    return withTree(directory, result);
  }

  async #rewriteChild(
    entry: DirectoryEntry,
    parentPath: string,
    compression: number,
  ): Promise<DirectoryEntry | undefined> {
    const path = parentPath === "" ? entry.name : `${parentPath}/${entry.name}`;
    if (entry.type === "d" && this.#rules.removesDirectory?.(entry, path) === true) {
      return undefined;
    }
    try {
      return entry.type === "d"
        ? await this.#rewriteDirectory(entry, path, compression)
        : await this.#rules.rewriteEntry(entry, path, this.#session.objects);
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      const place = entry.type === "d" ? `${entry.name}: ${entry.name}` : entry.name;
      throw new KopiaError(error.code, `${place}: ${error.message}`, {
        details: error.details,
        cause: error.cause,
      });
    }
  }

  #replaceUnreadable(directory: DirectoryEntry, path: string, error: KopiaError): DirectoryEntry {
    const { invalidDirectories } = this.#rules;
    if (invalidDirectories === "keep") return directory;
    const message = `unable to open directory object ${directory.objectId}: ${errorMessage(error)}`;
    // A root must stay a directory: there is nothing to put into its place.
    if (invalidDirectories === "fail" || path === "") {
      throw new KopiaError(error.code, message, { details: error.details, cause: error });
    }
    return writeStubEntry(this.#session.objects, directory, message);
  }

  #write(
    directory: DirectoryEntry,
    parts: {
      readonly listing: DirectoryListing;
      readonly entries: readonly DirectoryEntry[];
      readonly compression: number;
    },
  ): DirectoryEntry {
    const { listing, entries, compression } = parts;
    const built = buildDirectory({ entries, modTime: directory.modTime });
    const summary = {
      ...built.summary,
      // Failures of the upload stay on record: that entries are missing is still true.
      ...(listing.summary && {
        fatalErrorCount: listing.summary.fatalErrorCount,
        ignoredErrorCount: listing.summary.ignoredErrorCount,
        failedEntries: listing.summary.failedEntries,
        ...(listing.summary.incomplete !== undefined && {
          incomplete: listing.summary.incomplete,
        }),
      }),
    };
    const objectId = this.#session.objects.writeObject(
      encodeDirectory({ entries: built.entries, summary }),
      { prefix: "k", metadataCompressionHeaderId: compression, compressionHeaderId: compression },
    );
    return { ...directory, objectId, summary };
  }
}

/** The entry as this parent has it, with the tree that was made of its object. */
function withTree(entry: DirectoryEntry, tree: DirectoryEntry): DirectoryEntry {
  if (tree.objectId === entry.objectId) return entry;
  return {
    ...entry,
    objectId: tree.objectId,
    ...(tree.summary !== undefined && { summary: tree.summary }),
  };
}
