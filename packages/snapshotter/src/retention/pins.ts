import type { ManifestWriter } from "@kopia-engine/kopia-format";
import { compareUtf8 } from "../model/name-order.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { replaceSnapshot } from "../model/snapshot-store.ts";

/** Pins to add and to remove. */
export interface PinChange {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

/** The snapshot with its pins changed, sorted and unique; the same object when nothing changes (spec 2 §9.6). */
export function changePins(snapshot: SnapshotManifest, change: PinChange): SnapshotManifest {
  const pins = new Set([...snapshot.pins, ...(change.add ?? [])]);
  for (const pin of change.remove ?? []) pins.delete(pin);
  const sorted = [...pins].sort(compareUtf8);
  const isSame =
    sorted.length === snapshot.pins.length &&
    sorted.every((pin, index) => pin === snapshot.pins[index]);
  return isSame ? snapshot : { ...snapshot, pins: sorted };
}

/** Changes the pins of a stored snapshot; when they differ it gets a new manifest ID. */
export async function pinSnapshot(
  manifests: ManifestWriter,
  snapshot: SnapshotManifest,
  change: PinChange,
): Promise<{ readonly snapshot: SnapshotManifest; readonly isChanged: boolean }> {
  const changed = changePins(snapshot, change);
  if (changed === snapshot) return { snapshot, isChanged: false };
  return { snapshot: await replaceSnapshot(manifests, changed), isChanged: true };
}
