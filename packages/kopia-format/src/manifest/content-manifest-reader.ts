import { utf8Decode } from "../base/bytes.ts";
import { KopiaError } from "../base/errors.ts";
import { CommittedManifests, type CommittedManifestsOptions } from "./committed-manifests.ts";
import type { ManifestItem } from "./manifest-content.ts";
import type {
  ManifestEntry,
  ManifestId,
  ManifestLabels,
  ManifestReader,
} from "./manifest-store.ts";

/** Manifests over contents, for reading (spec 2 §4). */
export class ContentManifestReader implements ManifestReader {
  protected readonly committed: CommittedManifests;

  constructor(options: CommittedManifestsOptions) {
    this.committed = new CommittedManifests(options);
  }

  async find(labels: ManifestLabels): Promise<readonly ManifestEntry[]> {
    const found: ManifestEntry[] = [];
    for (const item of (await this.liveItems()).values()) {
      if (hasLabels(item, labels)) found.push(toEntry(item));
    }
    return found.sort(compareEntries);
  }

  async getEntry(id: ManifestId): Promise<ManifestEntry> {
    return toEntry(await this.#item(id));
  }

  async getPayload(id: ManifestId): Promise<string> {
    return utf8Decode((await this.#item(id)).data);
  }

  /** What there is now, without tombstones. */
  protected liveItems(): Promise<ReadonlyMap<ManifestId, ManifestItem>> {
    return this.committed.load();
  }

  async #item(id: ManifestId): Promise<ManifestItem> {
    const item = (await this.liveItems()).get(id);
    if (item !== undefined) return item;
    throw new KopiaError("MANIFEST_NOT_FOUND", `there is no manifest ${JSON.stringify(id)}`, {
      details: { manifestId: id },
    });
  }
}

function hasLabels(item: ManifestItem, labels: ManifestLabels): boolean {
  return Object.keys(labels).every((key) => item.labels[key] === labels[key]);
}

/** Oldest first; of equal times the greatest ID is last, and the last one wins where one is wanted (spec 2 §4.4). */
function compareEntries(a: ManifestEntry, b: ManifestEntry): number {
  if (a.modified !== b.modified) return a.modified < b.modified ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function toEntry(item: ManifestItem): ManifestEntry {
  return {
    id: item.id,
    lengthBytes: item.data.length,
    labels: item.labels,
    modified: item.modified,
  };
}
