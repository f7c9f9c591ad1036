import { KopiaError, isKopiaError } from "../base/errors.ts";
import type { ContentId, ContentIdRange } from "../content/content-entry.ts";
import type { ContentReader } from "../content/content-store.ts";
import { decodeManifestContent, type ManifestItem } from "./manifest-content.ts";
import type { ManifestId } from "./manifest-store.ts";

/** Manifest contents have the prefix `m` (spec 2 §4.1). */
export const MANIFEST_PREFIX = "m";
const MANIFEST_RANGE: ContentIdRange = { start: "m", end: "n" };
/** How often a listing may change under a scan before that is an error. */
const MAX_SCANS = 10;

/** What reading manifests needs. */
export interface CommittedManifestsOptions {
  readonly contents: ContentReader;
  /** Loads the content index again: another client may have compacted the manifests away. */
  readonly refresh: () => Promise<void>;
  /** Skips contents that cannot be read instead of failing. */
  readonly ignoreMalformed: boolean;
}

/** The manifests that contents hold, merged (spec 2 §4.3). Contents never change, so each is read once. */
export class CommittedManifests {
  readonly #options: CommittedManifestsOptions;
  #itemsByContent = new Map<ContentId, readonly ManifestItem[]>();
  #merged: ReadonlyMap<ManifestId, ManifestItem> = new Map();
  #loading: Promise<unknown> = Promise.resolve();

  constructor(options: CommittedManifestsOptions) {
    this.#options = options;
  }

  /** Live items by ID, tombstones applied. @throws KopiaError `MANIFEST_CORRUPT`. */
  load(): Promise<ReadonlyMap<ManifestId, ManifestItem>> {
    const loaded = this.#loading.then(() => this.#scan());
    this.#loading = loaded.catch(() => undefined);
    return loaded;
  }

  /** Contents that hold manifests now, in ID order. */
  contentIds(): ContentId[] {
    const ids: ContentId[] = [];
    for (const entry of this.#options.contents.contents({ range: MANIFEST_RANGE })) {
      ids.push(entry.contentId);
    }
    return ids;
  }

  /** Whether `load` has read exactly the contents that there are now. */
  isCurrent(ids = this.contentIds()): boolean {
    return (
      ids.length === this.#itemsByContent.size && ids.every((id) => this.#itemsByContent.has(id))
    );
  }

  async #scan(): Promise<ReadonlyMap<ManifestId, ManifestItem>> {
    for (let scan = 1; ; scan++) {
      const ids = this.contentIds();
      if (this.isCurrent(ids)) return this.#merged;
      const vanished = await this.#readContents(ids);
      if (vanished === undefined) break;
      await this.#options.refresh();
      // The same content is still listed: it has not been compacted away, it is lost.
      if (this.contentIds().includes(vanished.id)) {
        this.#itemsByContent.set(vanished.id, this.#malformed(vanished.error));
      }
      if (scan >= MAX_SCANS) throw vanished.error;
    }
    this.#merged = mergeItems(this.#itemsByContent.values());
    return this.#merged;
  }

  /** Reads what is not known yet and forgets the rest; gives a content that is not there. */
  async #readContents(
    ids: readonly ContentId[],
  ): Promise<{ id: ContentId; error: KopiaError } | undefined> {
    const known = new Map<ContentId, readonly ManifestItem[]>();
    for (const id of ids) {
      const items = this.#itemsByContent.get(id);
      if (items !== undefined) known.set(id, items);
    }
    let vanished: { id: ContentId; error: KopiaError } | undefined;
    const unknown = ids.filter((id) => !known.has(id));
    for await (const { contentId, data, error } of this.#options.contents.getContents(unknown)) {
      if (data !== undefined) known.set(contentId, this.#decode(contentId, data));
      else if (isGone(error)) vanished = { id: contentId, error: unreadable(contentId, error) };
      else known.set(contentId, this.#malformed(unreadable(contentId, error)));
    }
    this.#itemsByContent = known;
    return vanished;
  }

  #decode(id: ContentId, content: Uint8Array): readonly ManifestItem[] {
    try {
      return decodeManifestContent(content, id);
    } catch (error) {
      return this.#malformed(error);
    }
  }

  #malformed(error: unknown): readonly ManifestItem[] {
    if (this.#options.ignoreMalformed) return [];
    throw error;
  }
}

/** The latest item of each ID; deleted ones are dropped (spec 2 §4.3). */
export function mergeItems(
  lists: Iterable<readonly ManifestItem[]>,
): ReadonlyMap<ManifestId, ManifestItem> {
  const merged = new Map<ManifestId, ManifestItem>();
  for (const items of lists) {
    for (const item of items) {
      const other = merged.get(item.id);
      if (other === undefined || item.modified > other.modified) merged.set(item.id, item);
    }
  }
  for (const [id, item] of merged) {
    if (item.deleted) merged.delete(id);
  }
  return merged;
}

function isGone(error: unknown): boolean {
  return isKopiaError(error, "CONTENT_NOT_FOUND") || isKopiaError(error, "BLOB_NOT_FOUND");
}

function unreadable(id: ContentId, cause: unknown): KopiaError {
  return new KopiaError("MANIFEST_CORRUPT", `manifest content ${id} cannot be read`, {
    details: { contentId: id },
    cause,
  });
}
