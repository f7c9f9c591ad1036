import type { BlobId } from "@kopia-engine/kopia-format";
import type { HeldBlob } from "./observed-storage.ts";

/** One byte of one blob that is not as it was, or everything from it on gone. */
export interface Damage {
  readonly blobId: BlobId;
  readonly offset: number;
  /** The new byte; `cut` removes it and all after it. */
  readonly change: number | "cut";
}

/** Blobs of which not everything is authenticated: every other value of every byte is tried. */
const PLAIN_BLOBS = new Set<BlobId>(["kopia.repository", ".shards"]);

/**
 * All damages of a blob: each byte inverted, with one bit flipped and as zero, and the blob cut before it. Of the
 * blob that holds plain text each byte takes every other value.
 */
export function* damagesOf({ id, data }: HeldBlob): Generator<Damage> {
  for (const [offset, byte] of data.entries()) {
    for (const change of PLAIN_BLOBS.has(id) ? otherBytes(byte) : someBytes(byte, offset)) {
      yield { blobId: id, offset, change };
    }
    yield { blobId: id, offset, change: "cut" };
  }
}

function someBytes(byte: number, offset: number): Set<number> {
  const changes = new Set([byte ^ 0xff, byte ^ (1 << (offset % 8)), 0]);
  changes.delete(byte);
  return changes;
}

function otherBytes(byte: number): number[] {
  return Array.from({ length: 255 }, (_, i) => (byte + 1 + i) % 256);
}

/** The blob with the damage. */
export function applyDamage(blob: HeldBlob, { offset, change }: Damage): HeldBlob {
  if (change === "cut") return { ...blob, data: blob.data.slice(0, offset) };
  const data = blob.data.slice();
  data[offset] = change;
  return { ...blob, data };
}

/** For reports, such as `p12…[17]=0x00`. */
export function describeDamage({ blobId, offset, change }: Damage): string {
  return change === "cut"
    ? `${blobId} cut at ${offset}`
    : `${blobId}[${offset}]=0x${change.toString(16).padStart(2, "0")}`;
}
