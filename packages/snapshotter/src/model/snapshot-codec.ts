import { KopiaError, type ManifestId, type ManifestLabels } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "./directory-entry.ts";
import type { SnapshotManifest } from "./snapshot-manifest.ts";

/** A JSON value with its keys in output order; integers beyond 2^53 are bigint. */
export type JsonOut =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonOut[]
  | { readonly [key: string]: JsonOut };

/** Payload of a snapshot manifest: compact JSON with the ID empty, as stored (spec 2 §5.1). */
export function encodeSnapshotManifest(manifest: SnapshotManifest): string {
  void manifest;
  throw new KopiaError("NOT_IMPLEMENTED", "encodeSnapshotManifest");
}

/**
 * Reads a stored payload; unknown fields are ignored, names are compared without case.
 * @throws KopiaError `SNAPSHOT_INVALID`.
 */
export function decodeSnapshotManifest(payload: string, id: ManifestId): SnapshotManifest {
  void payload;
  throw new KopiaError("NOT_IMPLEMENTED", id);
}

/** Labels of a snapshot's manifest: type, source and tags (spec 2 §4.6). */
export function snapshotLabels(manifest: SnapshotManifest): ManifestLabels {
  void manifest;
  throw new KopiaError("NOT_IMPLEMENTED", "snapshotLabels");
}

/** The manifest as JSON for output, ID included, keys in Kopia's order; `stats` can be left out (spec 2 §9.2). */
export function snapshotToJson(
  manifest: SnapshotManifest,
  options: { readonly withStats?: boolean } = {},
): { readonly [key: string]: JsonOut } {
  void manifest;
  void options;
  throw new KopiaError("NOT_IMPLEMENTED", "snapshotToJson");
}

/** An entry as JSON for output (spec 2 §6.2). */
export function entryToJson(entry: DirectoryEntry): { readonly [key: string]: JsonOut } {
  void entry;
  throw new KopiaError("NOT_IMPLEMENTED", "entryToJson");
}
