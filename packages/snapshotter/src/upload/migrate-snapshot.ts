import {
  KopiaError,
  type ObjectStore,
  type ObjectWriterOptions,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import { readDirectoryForRestore } from "../fs/read-directory.ts";
import { buildDirectory } from "../model/build-directory.ts";
import { writeDirectory } from "../model/directory-codec.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { saveSnapshot } from "../model/snapshot-store.ts";
import { CACHE_TAG_NAME, enterRoot, type IgnoreContext } from "../policy/ignore-context.ts";
import { readStoredIgnoreFiles } from "./stored-ignore-files.ts";
import type { PolicyTree } from "../policy/policy-tree.ts";
import { writerOptions } from "./inline-executor.ts";
import { SettingsTable } from "./settings-table.ts";
import { UploadCounters } from "./upload-counters.ts";
import type { UploadSettings } from "./upload-executor.ts";

const SETTLE_EVERY_BYTES = 2 ** 25;
/** Entries that are remembered; more are stored again, which gives the same objects. */
const MAX_REMEMBERED = 2 ** 20;

/** What snapshots of one source are migrated with. */
export interface MigratorOptions {
  /** Objects of the repository that is read. */
  readonly objects: ObjectStore;
  /** Of the repository that is written; flushed by the caller. */
  readonly session: WriteSession;
  /** Policies of the source in the repository that is written. */
  readonly policyTree: PolicyTree;
  /** Leaves out what those policies ignore; ignore files are read from the snapshots. Default false. */
  readonly applyIgnoreRules?: boolean;
  readonly signal?: AbortSignal;
}

/** Stores snapshots of one source again in another repository, by its policies (spec 2 §9.12). */
export class SnapshotMigrator {
  readonly #options: MigratorOptions;
  readonly #settings: SettingsTable;
  readonly #remembered = new Map<string, DirectoryEntry>();
  #unsettledBytes = 0;

  constructor(options: MigratorOptions) {
    this.#options = options;
    this.#settings = new SettingsTable(options.session.repository.client);
  }

  /**
   * Stores the tree of a snapshot and saves its manifest with the same times and description, without tags and pins.
   * @throws KopiaError `UPLOAD_FAILED` naming the entry (unknown type), errors of reading; the signal's reason.
   */
  async migrate(snapshot: SnapshotManifest): Promise<SnapshotManifest> {
    const { source, description, startTime, endTime, rootEntry } = snapshot;
    if (rootEntry === undefined) {
      throw new KopiaError("UPLOAD_FAILED", `snapshot ${snapshot.id} has no root`);
    }
    const { session, policyTree } = this.#options;
    const counters = new UploadCounters();
    const place = { node: policyTree, path: "", name: "", counters };
    const root =
      rootEntry.type === "d"
        ? await this.#storeDirectory(rootEntry, place)
        : await this.#storeFile(rootEntry, place);
    await session.contents.settle();
    return await saveSnapshot(session.manifests, {
      id: "",
      source,
      description,
      startTime,
      endTime,
      stats: counters.toStats(),
      incompleteReason: "",
      rootEntry: root,
      tags: {},
      pins: [],
    });
  }

  async #storeDirectory(entry: DirectoryEntry, place: Place): Promise<DirectoryEntry> {
    const { session, objects, signal } = this.#options;
    const { counters, node, path } = place;
    signal?.throwIfAborted();
    const key = `${entry.objectId} ${path}`;
    // What is left out depends on all directories above.
    const known = this.#options.applyIgnoreRules ? undefined : this.#remembered.get(key);
    if (known?.summary !== undefined) {
      counters.cachedFileCount += known.summary.fileCount + known.summary.symlinkCount;
      counters.cachedBytes += Number(known.summary.totalFileSizeBytes);
      counters.directoryCount += known.summary.directoryCount;
      return { ...entry, objectId: known.objectId, summary: known.summary };
    }
    counters.directoryCount++;
    const stored: DirectoryEntry[] = [];
    const listing = await readDirectoryForRestore(objects, entry.objectId);
    const { kept, ignore } = await this.#keep(listing.entries, place);
    for (const child of kept) stored.push(await this.#store(child, { ...place, ignore }));
    const built = buildDirectory({ entries: stored, modTime: entry.modTime });
    const writer = session.objects.createWriter(this.#settings.forDirectory(node.policy));
    writeDirectory(built, (piece) => writer.write(piece));
    const result = { ...entry, objectId: writer.finish(), summary: built.summary };
    await this.#count(writer.lengthBytes);
    this.#remember(key, result);
    return result;
  }

  /** Entries that no rule leaves out, and the rules for what is below. */
  async #keep(
    entries: readonly DirectoryEntry[],
    { node, name, ignore: above, counters }: Place,
  ): Promise<{ readonly kept: readonly DirectoryEntry[]; readonly ignore?: IgnoreContext }> {
    const { objects, applyIgnoreRules = false } = this.#options;
    if (!applyIgnoreRules) return { kept: entries };
    const names = new Set([
      CACHE_TAG_NAME,
      ...(above?.rulingNames ?? []),
      ...(node.policy.files.ignoreDotFiles ?? []),
    ]);
    const files = await readStoredIgnoreFiles(objects, entries, names);
    const ignore = above === undefined ? enterRoot(node, files) : above.enter(name, files);
    if (ignore.isCacheDirectory) return { kept: [], ignore };
    const kept: DirectoryEntry[] = [];
    for (const entry of entries) {
      const { type, sizeBytes } = entry;
      const isDirectory = type === "d";
      if (!ignore.ignores({ name: entry.name, isDirectory, sizeBytes })) kept.push(entry);
      else if (isDirectory) counters.excludedDirectoryCount++;
      else {
        counters.excludedFileCount++;
        counters.excludedBytes += Number(sizeBytes);
      }
    }
    return { kept, ignore };
  }

  async #store(entry: DirectoryEntry, parent: Place): Promise<DirectoryEntry> {
    const path = parent.path === "" ? entry.name : `${parent.path}/${entry.name}`;
    const place = { ...parent, path, name: entry.name, node: parent.node.child(entry.name) };
    switch (entry.type) {
      case "d":
        return await this.#storeDirectory(entry, place);
      case "f":
        return await this.#storeFile(entry, place);
      case "s":
        return await this.#storeLink(entry, place);
      default:
        throw new KopiaError("UPLOAD_FAILED", `${path}: unknown entry type ${entry.type}`, {
          details: { path },
        });
    }
  }

  async #storeLink(entry: DirectoryEntry, { node }: Place): Promise<DirectoryEntry> {
    const { session, objects } = this.#options;
    const target = await objects.readObject(entry.objectId);
    const { metadataCompressionHeaderId = 0 } = this.#optionsFor(entry, node);
    const objectId = session.objects.writeObject(target, { metadataCompressionHeaderId });
    await this.#count(target.length);
    return { ...entry, objectId, sizeBytes: BigInt(target.length) };
  }

  async #storeFile(entry: DirectoryEntry, { node, counters }: Place): Promise<DirectoryEntry> {
    const { session, objects, signal } = this.#options;
    const options = this.#optionsFor(entry, node);
    const key = `${entry.objectId} ${JSON.stringify(options)}`;
    const known = this.#remembered.get(key);
    if (known !== undefined) {
      counters.cachedFileCount++;
      counters.cachedBytes += Number(known.sizeBytes);
      return { ...entry, objectId: known.objectId, sizeBytes: known.sizeBytes };
    }
    counters.nonCachedFileCount++;
    const writer = session.objects.createWriter(options);
    const reader = await objects.openObject(entry.objectId);
    for await (const piece of reader.chunks()) {
      signal?.throwIfAborted();
      writer.write(piece);
      await this.#count(piece.length);
    }
    const sizeBytes = BigInt(writer.lengthBytes);
    const result = { ...entry, objectId: writer.finish(), sizeBytes };
    counters.hashedFileCount++;
    counters.storedBytes += writer.lengthBytes;
    this.#remember(key, result);
    return result;
  }

  #optionsFor({ name, sizeBytes }: DirectoryEntry, { policy }: PolicyTree): ObjectWriterOptions {
    const index = this.#settings.forFile(policy, name, Number(sizeBytes));
    return writerOptions(this.#settings.settings[index] as UploadSettings);
  }

  #remember(key: string, entry: DirectoryEntry): void {
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(key, entry);
  }

  async #count(lengthBytes: number): Promise<void> {
    this.#unsettledBytes += lengthBytes;
    if (this.#unsettledBytes < SETTLE_EVERY_BYTES) return;
    this.#unsettledBytes = 0;
    await this.#options.session.contents.settle();
  }
}

/** Where in the tree an entry is. */
interface Place {
  readonly node: PolicyTree;
  /** Below the root; empty for the root itself, as its name is. */
  readonly path: string;
  readonly name: string;
  /** Rules of the directory that holds it; none for the root, and where none are applied. */
  readonly ignore?: IgnoreContext | undefined;
  readonly counters: UploadCounters;
}
