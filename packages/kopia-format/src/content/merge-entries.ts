import type { ContentEntry, ContentId } from "./content-entry.ts";
import { compareContentIds } from "./content-id.ts";

/**
 * Joins the committed entries, in content ID order, with newer ones of the same session, which take
 * their place. Deleted entries are left out unless asked for.
 * @param committed deleted ones included.
 */
export function* mergeEntries(
  committed: Iterable<ContentEntry>,
  newer: ReadonlyMap<ContentId, ContentEntry>,
  includeDeleted: boolean,
): Generator<ContentEntry, void, undefined> {
  const ids = [...newer.keys()].sort(compareContentIds);
  let next = 0;
  const isWanted = (entry: ContentEntry): boolean => includeDeleted || !entry.deleted;
  for (const entry of committed) {
    for (; next < ids.length && (ids[next] as ContentId) < entry.contentId; next++) {
      const earlier = newer.get(ids[next] as ContentId) as ContentEntry;
      if (isWanted(earlier)) yield earlier;
    }
    if (!newer.has(entry.contentId) && isWanted(entry)) yield entry;
  }
  for (; next < ids.length; next++) {
    const rest = newer.get(ids[next] as ContentId) as ContentEntry;
    if (isWanted(rest)) yield rest;
  }
}
