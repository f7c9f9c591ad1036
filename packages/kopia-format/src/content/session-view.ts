import type { Bytes } from "../base/bytes.ts";
import type { BlobStorage } from "../blob/storage.ts";
import type { ContentEntry, ContentId, ContentIdRange } from "./content-entry.ts";
import type { CommittedIndex } from "./index/committed-index.ts";
import type { Presence } from "./index/entry-table.ts";
import type { PackPrefix } from "./pack/pack-id.ts";
import { readPacked } from "./read-contents.ts";
import type { SessionUnit } from "./session-unit.ts";

/**
 * What a write session sees: the unit being written, the one that a flush makes durable, and the
 * committed index, newest first (spec 1 §9.3 step 1).
 */
export class SessionView {
  readonly #storage: BlobStorage;
  readonly #committed: CommittedIndex;
  unit: SessionUnit;
  flushing: SessionUnit | undefined;

  constructor(storage: BlobStorage, committed: CommittedIndex, unit: SessionUnit) {
    this.#storage = storage;
    this.#committed = committed;
    this.unit = unit;
  }

  /** What the session's own units know of a content, by binary key. */
  ownPresence(key: Uint8Array, prefix: PackPrefix): Presence {
    const presence = this.unit.presence(key, prefix);
    return presence === 0 && this.flushing !== undefined
      ? this.flushing.presence(key, prefix)
      : presence;
  }

  /** Entry of a content that is not committed yet. */
  own(id: ContentId): ContentEntry | undefined {
    return this.unit.lookup(id) ?? this.flushing?.lookup(id);
  }

  /** Newest entry of a content. */
  lookup(id: ContentId): ContentEntry | undefined {
    return this.own(id) ?? this.#committed.lookup(id);
  }

  /** Newest entry of every content in the range that is not committed yet. */
  ownEntries(range: ContentIdRange): Map<ContentId, ContentEntry> {
    const found = new Map<ContentId, ContentEntry>();
    this.flushing?.collectInto(found, range);
    this.unit.collectInto(found, range);
    return found;
  }

  /** Packed bytes of any content; a pack that is still being written is finished for it. @throws as `readPacked`. */
  async readPacked(entry: ContentEntry): Promise<Bytes> {
    const inMemory = this.unit.peek(entry);
    if (inMemory !== undefined) return inMemory;
    await this.unit.packReadable(entry);
    await this.flushing?.packReadable(entry);
    return readPacked(this.#storage, entry);
  }
}
