import type { TimeNs } from "../base/clock.ts";

/** 32 lowercase hex digits. */
export type ManifestId = string;

/** Labels of a manifest; `type` is never empty. */
export type ManifestLabels = Readonly<Record<string, string>>;

/** A manifest without its payload. */
export interface ManifestEntry {
  readonly id: ManifestId;
  /** Length of the payload as stored, in bytes of compact JSON. */
  readonly lengthBytes: number;
  readonly labels: ManifestLabels;
  readonly modified: TimeNs;
}

/** Read access to manifests (spec 2 §4). */
export interface ManifestReader {
  /** Entries whose labels include all of `labels`, oldest first. */
  find(labels: ManifestLabels): Promise<readonly ManifestEntry[]>;
  /** @throws KopiaError `MANIFEST_NOT_FOUND`. */
  getEntry(id: ManifestId): Promise<ManifestEntry>;
  /**
   * The payload as the exact JSON text that is stored (integers beyond 2^53 and key order intact).
   * @throws KopiaError `MANIFEST_NOT_FOUND`.
   */
  getPayload(id: ManifestId): Promise<string>;
}

/** Write access to manifests; visible to others after the session's flush. */
export interface ManifestWriter extends ManifestReader {
  /** @param payload JSON text. @throws KopiaError `MANIFEST_INVALID`. */
  put(labels: ManifestLabels, payload: string): Promise<ManifestId>;
  /** Removes a manifest; a missing one is success. */
  delete(id: ManifestId): Promise<void>;
  /** Deletes all manifests that have these labels, then puts the new one (spec 2 §4.4). */
  replace(labels: ManifestLabels, payload: string): Promise<ManifestId>;
}
