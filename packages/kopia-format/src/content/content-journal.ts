import type { ContentId, ContentIdRange } from "./content-entry.ts";
import { contentIdPrefix } from "./content-id.ts";

/** IDs kept for one prefix; beyond it a scan of the tables costs less than the list. */
const MAX_IDS_PER_PREFIX = 4096;

/**
 * Remembers which prefixed contents a session touched, as long as they are few: manifests are asked for
 * again and again among very many other contents.
 */
export class ContentJournal {
  /** IDs of one prefix letter; `undefined` when there were too many to list. */
  readonly #ids = new Map<string, ContentId[] | undefined>();

  note(id: ContentId): void {
    const prefix = contentIdPrefix(id);
    if (prefix === "") return;
    const ids = this.#ids.get(prefix);
    if (ids === undefined) {
      if (!this.#ids.has(prefix)) this.#ids.set(prefix, [id]);
      return;
    }
    if (ids.length < MAX_IDS_PER_PREFIX) ids.push(id);
    else this.#ids.set(prefix, undefined);
  }

  /** Every touched ID with the prefix letter that the range is about, repeated ones too; `undefined` when only a scan can tell. */
  idsFor(range: ContentIdRange): readonly ContentId[] | undefined {
    const prefix = range.start.charAt(0);
    const lastOfPrefix = `${prefix}{`;
    const isOnePrefix =
      prefix >= "g" &&
      prefix <= "z" &&
      (range.end <= lastOfPrefix || range.end === String.fromCharCode(prefix.charCodeAt(0) + 1));
    if (!isOnePrefix) return undefined;
    return this.#ids.has(prefix) ? this.#ids.get(prefix) : [];
  }
}
