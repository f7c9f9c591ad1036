import {
  decodeManifestContent,
  isKopiaError,
  utf8Decode,
  type ManifestId,
  type ManifestItem,
  type Repository,
  type TimeNs,
  toUnixSeconds,
} from "@kopia-engine/kopia-format";
import { decodeSnapshotManifest } from "../model/snapshot-codec.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";

/** What manifests' contents still tell about snapshots that are not there any more. */
export interface SnapshotHistory {
  /** Removed in a way that left a trace: a tombstone, or a compaction that kept other manifests. */
  readonly removed: readonly SnapshotManifest[];
  /** Gone together with everything else that a compaction of manifests should have kept. */
  readonly lost: readonly SnapshotManifest[];
}

/** Contents that one compaction of manifests replaced are marked deleted within this time of each other. */
const GROUP_GAP_SECONDS = 60;

interface ManifestContent {
  readonly items: readonly ManifestItem[];
  /** When it was marked deleted; `undefined` while it counts. */
  readonly deletedSeconds: number | undefined;
}

/**
 * Reads every manifest content that can still be read, those marked deleted included: they keep their
 * data until the deletion watermark passes, some cycles later, so that each removal of a snapshot since the last
 * full maintenance has left its traces.
 * @param since only what was replaced after this time can count as lost: maintenance itself refreshes
 *   the times of older ones when it rewrites them.
 */
export async function readSnapshotHistory(
  repository: Pick<Repository, "manifests" | "contents">,
  since: TimeNs,
): Promise<SnapshotHistory> {
  const live = new Set((await repository.manifests.find({})).map(({ id }) => id));
  const contents = await readManifestContents(repository);
  const recorded = new Set<ManifestId>();
  const versions = new Map<ManifestId, ManifestItem>();
  for (const item of contents.flatMap(({ items }) => items)) {
    if (item.deleted) recorded.add(item.id);
    else if (!live.has(item.id) && item.labels["type"] === "snapshot") {
      const other = versions.get(item.id);
      if (other === undefined || item.modified > other.modified) versions.set(item.id, item);
    }
  }
  const suspects = new Set<ManifestId>();
  for (const group of groupsReplaced(contents)) {
    const ids = group.flatMap(({ items }) => items.map(({ id }) => id));
    // A compaction that worked has kept something, if only the parameters of maintenance.
    if (ids.some((id) => live.has(id))) for (const id of ids) recorded.add(id);
    else if ((group.at(-1)?.deletedSeconds ?? 0) > toUnixSeconds(since)) {
      for (const id of ids) suspects.add(id);
    }
  }
  const lostIds = suspects.difference(recorded);
  const removed: SnapshotManifest[] = [];
  const lost: SnapshotManifest[] = [];
  for (const [id, item] of versions) {
    const snapshot = decode(id, item);
    if (snapshot !== undefined) (lostIds.has(id) ? lost : removed).push(snapshot);
  }
  return { removed, lost };
}

async function readManifestContents({
  contents,
}: Pick<Repository, "contents">): Promise<ManifestContent[]> {
  const deletions = new Map<string, number | undefined>();
  const query = { range: { start: "m", end: "n" }, includeDeleted: true };
  for (const { contentId, deleted, timestampSeconds } of contents.contents(query)) {
    deletions.set(contentId, deleted ? timestampSeconds : undefined);
  }
  const found: ManifestContent[] = [];
  for await (const { contentId, data } of contents.getContents(deletions.keys())) {
    // Those that count are read by the manifest store, which fails where it must.
    if (data === undefined) continue;
    const items = decodeItems(data, contentId);
    found.push({ items, deletedSeconds: deletions.get(contentId) });
  }
  return found;
}

function decodeItems(data: Uint8Array, contentId: string): readonly ManifestItem[] {
  try {
    return decodeManifestContent(data, contentId);
  } catch (error) {
    if (isKopiaError(error, "MANIFEST_CORRUPT")) return [];
    throw error;
  }
}

/** Contents that one compaction of manifests replaced. */
function groupsReplaced(contents: readonly ManifestContent[]): ManifestContent[][] {
  const replaced = contents
    .filter(({ deletedSeconds }) => deletedSeconds !== undefined)
    .toSorted((a, b) => (a.deletedSeconds ?? 0) - (b.deletedSeconds ?? 0));
  const groups: ManifestContent[][] = [];
  let lastSeconds = -Infinity;
  for (const content of replaced) {
    const seconds = content.deletedSeconds ?? 0;
    if (seconds - lastSeconds > GROUP_GAP_SECONDS) groups.push([]);
    groups.at(-1)?.push(content);
    lastSeconds = seconds;
  }
  return groups;
}

function decode(id: ManifestId, item: ManifestItem): SnapshotManifest | undefined {
  try {
    return decodeSnapshotManifest(utf8Decode(item.data), id);
  } catch (error) {
    if (isKopiaError(error, "SNAPSHOT_INVALID")) return undefined;
    throw error;
  }
}
