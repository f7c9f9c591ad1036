import {
  ContentPlaces,
  KopiaError,
  isKopiaError,
  openPlaceReader,
  readSetupOf,
  releaseBytes,
  type ContentMarks,
  type PlaceReader,
  type Repository,
} from "@kopia-engine/kopia-format";
import { readDirectory } from "../fs/read-directory.ts";
import { listingObjects } from "../model/listing-objects.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { listSnapshots } from "../model/snapshot-store.ts";
import { DIRECT_OBJECT_ID } from "../model/direct-object-id.ts";

/** Listings that are read together: many lie side by side in their pack, and their bytes come one after the other. */
const MAX_LISTINGS_TOGETHER = 512;

/** What marking reads. */
export type MarkedRepository = Pick<Repository, "manifests" | "objects" | "contents"> &
  Parameters<typeof readSetupOf>[0];

/** What all snapshots need. */
export interface MarkedContents {
  readonly contents: ContentMarks;
  readonly snapshotCount: number;
}

/**
 * Collects the contents of all snapshots, incomplete ones included (spec 3 §2.1). The first thing that
 * cannot be read ends it: what cannot be followed must not be taken for unused.
 * @throws KopiaError of the manifest, directory or content that cannot be read.
 */
export async function markContents(repository: MarkedRepository): Promise<MarkedContents> {
  const snapshots = await listSnapshots(repository.manifests, {}, (_id, error) => {
    throw error;
  });
  const marker = await TreeMarker.open(repository);
  for (const snapshot of snapshots) await marker.mark(snapshot);
  return { contents: marker.contents, snapshotCount: snapshots.length };
}

/**
 * Collects what is still there of snapshots that were removed: what is gone already, or cannot be read, is
 * passed over.
 */
export async function markRemoved(
  repository: MarkedRepository,
  removed: readonly SnapshotManifest[],
): Promise<ContentMarks> {
  const marker = await TreeMarker.open(repository, { isLenient: true });
  for (const snapshot of removed) await marker.mark(snapshot);
  return marker.contents;
}

/** Walks trees; each object once. */
class TreeMarker {
  readonly contents: ContentMarks;
  readonly #repository: MarkedRepository;
  readonly #isLenient: boolean;
  /** Directories that were walked: direct ones as marks, the few others as text. */
  readonly #walked: ContentMarks;
  readonly #walkedOthers = new Set<string>();
  /** Objects of several contents, and compressed ones: their own IDs are no contents. */
  readonly #others = new Set<string>();
  readonly #directories: string[] = [];
  /** Absent where only the repository itself can read. */
  readonly #reader: PlaceReader | undefined;

  private constructor(
    repository: MarkedRepository,
    options: { readonly isLenient: boolean; readonly reader: PlaceReader | undefined },
  ) {
    this.#repository = repository;
    this.#isLenient = options.isLenient;
    this.#reader = options.reader;
    this.contents = repository.contents.createMarks();
    this.#walked = repository.contents.createMarks();
  }

  static async open(
    repository: MarkedRepository,
    { isLenient = false }: { readonly isLenient?: boolean } = {},
  ): Promise<TreeMarker> {
    const setup = readSetupOf(repository, { useCache: true });
    const reader = setup === undefined ? undefined : await openPlaceReader(setup);
    return new TreeMarker(repository, { isLenient, reader });
  }

  async mark({ id, rootEntry }: SnapshotManifest): Promise<void> {
    const objectId = rootEntry?.objectId ?? "";
    if (rootEntry === undefined || objectId === "") {
      if (this.#isLenient) return;
      throw new KopiaError(
        "SNAPSHOT_INVALID",
        `snapshot ${id} has no root object: what it needs is unknown; nothing was collected`,
        { details: { manifestId: id } },
      );
    }
    await this.#visit(objectId, rootEntry.type === "d");
    while (this.#directories.length > 0) {
      const together = this.#directories.splice(-MAX_LISTINGS_TOGETHER);
      for (const directory of this.#walkTogether(together)) await this.#walk(directory);
    }
  }

  /**
   * Walks directories whose listings are one content each and name nothing else, without a promise, an entry or a text for
   * most of it.
   * @returns those that are to be walked one by one, since they are of another kind, or to say what is wrong with them.
   */
  #walkTogether(directories: readonly string[]): readonly string[] {
    if (this.#reader === undefined) return directories;
    const places = new ContentPlaces();
    const placed: string[] = [];
    const left: string[] = [];
    for (const id of directories) {
      const isPlaced =
        DIRECT_OBJECT_ID.test(id) && this.#repository.contents.locate?.(id, places) === true;
      (isPlaced ? placed : left).push(id);
    }
    this.#reader.read(places.parts(), (number, data) => {
      if (data === undefined || !this.#markListing(data)) left.push(placed[number] as string);
      if (data !== undefined) releaseBytes(data);
      return true;
    });
    return left;
  }

  #markListing(data: Uint8Array): boolean {
    const objects = listingObjects(data);
    if (objects === undefined) return false;
    if (!this.contents.markKeys(objects.keys, objects.keyLength)) return false;
    for (const id of objects.directories) if (this.#isFirstWalk(id)) this.#directories.push(id);
    return true;
  }

  async #walk(directory: string): Promise<void> {
    try {
      const { entries } = await readDirectory(this.#repository.objects, directory);
      for (const { objectId, type } of entries) {
        // Most entries are files of one content, which need no promise.
        if (type !== "d" && this.#markDirect(objectId)) continue;
        await this.#visit(objectId, type === "d");
      }
    } catch (error) {
      if (!this.#isLenient || !isKopiaError(error)) throw error;
    }
  }

  async #visit(objectId: string, isDirectory: boolean): Promise<void> {
    // The same object may be a file here and a directory there: the latter is walked even so.
    if (isDirectory && this.#isFirstWalk(objectId)) this.#directories.push(objectId);
    if (this.#markDirect(objectId) || this.#others.has(objectId)) return;
    this.#others.add(objectId);
    try {
      for (const id of await this.#repository.objects.verifyObject(objectId)) {
        if (this.contents.mark(id) === "absent") this.#missing(id);
      }
    } catch (error) {
      if (!this.#isLenient || !isKopiaError(error)) throw error;
    }
  }

  /** Marks the content that is the whole object; false for objects of another kind. */
  #markDirect(objectId: string): boolean {
    if (!DIRECT_OBJECT_ID.test(objectId)) return false;
    if (this.contents.mark(objectId) === "absent") this.#missing(objectId);
    return true;
  }

  #isFirstWalk(objectId: string): boolean {
    if (DIRECT_OBJECT_ID.test(objectId)) {
      const found = this.#walked.mark(objectId);
      return found === "new" || (found === "absent" && this.#isFirstOther(objectId));
    }
    return this.#isFirstOther(objectId);
  }

  #isFirstOther(objectId: string): boolean {
    if (this.#walkedOthers.has(objectId)) return false;
    this.#walkedOthers.add(objectId);
    return true;
  }

  #missing(contentId: string): void {
    if (this.#isLenient) return;
    throw new KopiaError(
      "CONTENT_NOT_FOUND",
      `a snapshot needs content ${contentId}, which is not in the index; nothing was collected`,
      { details: { contentId } },
    );
  }
}
