import { toHex } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { ContentId } from "../content/content-entry.ts";
import type { ContentWriter } from "../content/content-store.ts";
import { MANIFEST_PREFIX, type CommittedManifestsOptions } from "./committed-manifests.ts";
import { ContentManifestReader } from "./content-manifest-reader.ts";
import {
  encodeManifestContent,
  encodePayload,
  tombstone,
  type ManifestItem,
} from "./manifest-content.ts";
import type { ManifestId, ManifestLabels, ManifestWriter } from "./manifest-store.ts";

/** From this many contents on, a flush joins them into one (spec 2 §4.5). */
const COMPACTION_THRESHOLD = 16;
const MANIFEST_ID_BYTES = 16;
/** Manifest contents ask for `zstd-fastest`, although gzip has mostly done the work (spec 2 §4.2). */
const COMPRESSION_HEADER_ID = 0x1101;

/** What writing manifests needs besides reading them. */
export interface ContentManifestWriterOptions extends CommittedManifestsOptions {
  readonly contents: ContentWriter;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/** Manifests over contents, for one write session. What is put becomes contents at `flush`. */
export class ContentManifestWriter extends ContentManifestReader implements ManifestWriter {
  readonly #options: ContentManifestWriterOptions;
  readonly #pending = new Map<ManifestId, ManifestItem>();

  constructor(options: ContentManifestWriterOptions) {
    super(options);
    this.#options = options;
  }

  /** Whether something was put or deleted that no flush has written. */
  get hasPending(): boolean {
    return this.#pending.size > 0;
  }

  async put(labels: ManifestLabels, payload: string): Promise<ManifestId> {
    if ((labels["type"] ?? "") === "") {
      throw new KopiaError("MANIFEST_INVALID", 'a manifest needs a non-empty label "type"');
    }
    const { random, clock } = this.#options;
    const id = toHex(random(MANIFEST_ID_BYTES));
    const data = encodePayload(payload);
    const ownLabels = Object.assign(Object.create(null), labels) as ManifestLabels;
    const item = { id, labels: ownLabels, modified: clock.now(), deleted: false, data };
    this.#pending.set(id, item);
    return id;
  }

  async delete(id: ManifestId): Promise<void> {
    const committed = (await this.committed.load()).get(id);
    // Never written yet: nothing is left to say.
    if (committed === undefined) {
      this.#pending.delete(id);
      return;
    }
    // Later than what it deletes, also where the clock of the writer was ahead (spec 2 §4.4).
    const now = this.#options.clock.now();
    const modified = now > committed.modified ? now : committed.modified + 1n;
    this.#pending.set(id, tombstone(id, modified));
  }

  async replace(labels: ManifestLabels, payload: string): Promise<ManifestId> {
    // Refused before anything is deleted.
    encodePayload(payload);
    for (const entry of await this.find(labels)) await this.delete(entry.id);
    return this.put(labels, payload);
  }

  /**
   * Writes what is pending as one content. When there are many manifest contents, all live manifests go into
   * that one instead and the others are deleted, in one synchronous stretch: both reach the same index
   * blob, so that nobody ever sees one without the other (spec 2 §4.5). The caller flushes the contents next.
   */
  async flush(): Promise<void> {
    if (this.#pending.size === 0) return;
    if (this.committed.contentIds().length >= COMPACTION_THRESHOLD) return this.#compact();
    this.#writePending();
  }

  /** Joins all manifest contents into one, whatever their number. Nothing happens below two. */
  async compact(): Promise<void> {
    if (this.#pending.size > 0 || this.committed.contentIds().length > 1) await this.#compact();
  }

  protected override async liveItems(): Promise<ReadonlyMap<ManifestId, ManifestItem>> {
    const committed = await this.committed.load();
    return this.#pending.size === 0 ? committed : this.#overlay(committed);
  }

  #overlay(committed: ReadonlyMap<ManifestId, ManifestItem>): Map<ManifestId, ManifestItem> {
    const live = new Map(committed);
    for (const [id, item] of this.#pending) {
      if (item.deleted) live.delete(id);
      else live.set(id, item);
    }
    return live;
  }

  async #compact(): Promise<void> {
    // A tombstone that we do not know would be undone: look at what is there now, not up to 15 minutes ago.
    await this.#options.refresh();
    const committed = await this.committed.load();
    if (!this.committed.isCurrent()) {
      this.#writePending();
      return;
    }
    const merged = this.committed.contentIds();
    const joined = this.#writeItems([...this.#overlay(committed).values()]);
    for (const id of merged) {
      if (id !== joined) this.#options.contents.deleteContent(id);
    }
    this.#pending.clear();
  }

  #writePending(): void {
    if (this.#pending.size === 0) return;
    this.#writeItems([...this.#pending.values()]);
    this.#pending.clear();
  }

  #writeItems(items: readonly ManifestItem[]): ContentId {
    return this.#options.contents.writeContent(encodeManifestContent(items), {
      prefix: MANIFEST_PREFIX,
      compressionHeaderId: COMPRESSION_HEADER_ID,
    });
  }
}
