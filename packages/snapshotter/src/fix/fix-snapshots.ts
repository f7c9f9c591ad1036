import {
  KopiaError,
  compressorByName,
  isKopiaError,
  type WriteSession,
} from "@kopia-engine/kopia-format";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { groupBySource, replaceSnapshot } from "../model/snapshot-store.ts";
import type { Source } from "../model/source.ts";
import { chooseMetadataCompressor } from "../policy/choose-compressor.ts";
import { getEffectivePolicy } from "../policy/policy-store.ts";
import { TreeRewriter, type RewriteRules } from "./tree-rewriter.ts";

/** What became of one snapshot. */
export interface FixedSnapshot {
  readonly before: SnapshotManifest;
  /** The same manifest when nothing changed; with the old ID when it was not committed. */
  readonly after: SnapshotManifest;
  readonly isChanged: boolean;
}

/** What `fixSnapshots` is told. */
export interface FixSnapshotsOptions {
  /** Flushed by the caller. Without `commit` it should be one whose storage forgets what is written. */
  readonly session: WriteSession;
  readonly snapshots: readonly SnapshotManifest[];
  readonly rules: RewriteRules;
  /** Replaces the manifests; else only the trees are written. */
  readonly commit: boolean;
  readonly onSource?: (source: Source) => void;
  readonly onSnapshot?: (fixed: FixedSnapshot) => void;
  readonly signal?: AbortSignal;
}

/**
 * Rewrites the trees of snapshots by some rules and puts new manifests into the place of the old ones
 * (spec 3 §3.3). Nothing is visible before the session's flush, which makes all of it visible at once:
 * a new manifest and the removal of its predecessor cannot come apart.
 * @returns how many snapshots changed.
 * @throws KopiaError naming the snapshot.
 */
export async function fixSnapshots(options: FixSnapshotsOptions): Promise<number> {
  const { session, rules, commit, onSource, onSnapshot, signal } = options;
  const rewriter = new TreeRewriter(session, rules);
  let changedCount = 0;
  for (const { source, snapshots } of groupBySource(options.snapshots)) {
    onSource?.(source);
    const { policy } = await getEffectivePolicy(session.manifests, source);
    const compressorName = chooseMetadataCompressor(policy.metadataCompression);
    const compression =
      compressorName === undefined ? 0 : (compressorByName(compressorName)?.headerId ?? 0);
    for (const before of snapshots) {
      signal?.throwIfAborted();
      const { rootEntry } = before;
      if (rootEntry === undefined) continue;
      const root = await rewrite(rewriter, before, compression);
      const isChanged = root.objectId !== rootEntry.objectId;
      let after: SnapshotManifest = isChanged ? { ...before, rootEntry: root } : before;
      if (isChanged && commit) after = await replaceSnapshot(session.manifests, after);
      if (isChanged) changedCount++;
      onSnapshot?.({ before, after, isChanged });
      await session.contents.settle();
    }
  }
  return changedCount;
}

async function rewrite(
  rewriter: TreeRewriter,
  { id, rootEntry }: SnapshotManifest,
  compression: number,
): Promise<NonNullable<SnapshotManifest["rootEntry"]>> {
  if (rootEntry === undefined) throw new TypeError("a snapshot without root has no tree");
  try {
    return await rewriter.rewriteRoot(rootEntry, compression);
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    throw new KopiaError(
      error.code,
      `error rewriting manifest: error processing snapshot ${id}: ${rootEntry.name}: ${error.message}`,
      { details: error.details, cause: error.cause },
    );
  }
}
