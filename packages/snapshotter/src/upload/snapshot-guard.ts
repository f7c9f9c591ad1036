import {
  KopiaError,
  NS_PER_SECOND,
  formatGoDuration,
  type ObjectId,
  type TimeNs,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import { readDirectory } from "../fs/read-directory.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { deleteSnapshot } from "../model/snapshot-store.ts";

/**
 * What a snapshot found to be stored may be forgotten unless a manifest names it in time: a collection marks
 * it, and another one, more than 4 hours later, confirms that (spec 3 §1.9).
 */
const SAFE_AGE_NS: TimeNs = 4n * 3600n * NS_PER_SECOND;

/**
 * Watches over what a snapshot relies on. Normally checkpoints come every 45 minutes, so nothing is relied on
 * for long. A machine that slept in between may wake up after upkeep forgot contents that it had found to be
 * stored; the original saves the snapshot even so, and it can never be restored.
 */
export class SnapshotGuard {
  readonly #session: WriteSession;
  /** Nothing relied on is older. */
  #since: TimeNs;

  constructor(session: WriteSession) {
    this.#session = session;
    this.#since = session.repository.clock.now();
  }

  /**
   * Before a manifest is saved, and before retention removes older ones for its sake.
   * @throws KopiaError `SESSION_EXPIRED` when too much time has passed and a content is gone.
   */
  async assertStored(manifest: SnapshotManifest): Promise<void> {
    if (this.#isOverdue(this.#since)) await this.#assertWhole(manifest);
  }

  /** Looks once more after the flush that makes the manifest visible, if the machine slept just then. */
  watchFlush(manifest: SnapshotManifest): void {
    const since = this.#since;
    this.#session.afterFlush(async () => {
      if (!this.#isOverdue(since)) return;
      try {
        await this.#assertWhole(manifest);
      } catch (error) {
        // It would stop every collection, and nobody could restore it.
        await deleteSnapshot(this.#session.manifests, manifest.id);
        await this.#session.flush();
        throw error;
      }
    });
  }

  /** A manifest that names everything so far is about to be made durable. */
  startAnew(): void {
    this.#since = this.#session.repository.clock.now();
  }

  #isOverdue(since: TimeNs): boolean {
    return this.#session.repository.clock.now() - since > SAFE_AGE_NS;
  }

  async #assertWhole({ rootEntry }: SnapshotManifest): Promise<void> {
    if (rootEntry === undefined) return;
    await this.#session.repository.refresh();
    const seen = new Set<ObjectId>();
    await this.#visit(rootEntry.objectId, rootEntry.type === "d", seen);
  }

  async #visit(objectId: ObjectId, isDirectory: boolean, seen: Set<ObjectId>): Promise<void> {
    const { objects, contents } = this.#session;
    const key = isDirectory ? `directory ${objectId}` : objectId;
    if (objectId === "" || seen.has(key)) return;
    seen.add(key);
    for (const id of await objects.verifyObject(objectId)) {
      // One that is marked could be forgotten before the next collection sees this snapshot.
      if (contents.getContentInfo(id)?.deleted !== false) throw this.#expired(id);
    }
    if (!isDirectory) return;
    const { entries } = await readDirectory(objects, objectId);
    for (const entry of entries) await this.#visit(entry.objectId, entry.type === "d", seen);
  }

  #expired(contentId: string): KopiaError {
    const ageNs = this.#session.repository.clock.now() - this.#since;
    return new KopiaError(
      "SESSION_EXPIRED",
      `content ${contentId} was stored when the snapshot began ${formatGoDuration(ageNs)} ago, and is not any more: ` +
        "maintenance collected it while this snapshot stood still",
      { details: { contentId } },
    );
  }
}
