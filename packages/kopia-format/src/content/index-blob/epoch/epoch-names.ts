import type { BlobId } from "../../../blob/storage.ts";

/** Prefixes of the epoch scheme's blobs (spec 1 §8.4.1). */
export const EPOCH_PREFIX = {
  marker: "xe",
  uncompacted: "xn",
  singleEpoch: "xs",
  range: "xr",
  watermark: "xw",
} as const;

/** Payload of `xe` blobs; never read. */
export const EPOCH_MARKER_PAYLOAD = "epoch-marker";
/** Payload of `xw` blobs; never read. */
export const WATERMARK_PAYLOAD = "deletion-watermark";

/** First and last epoch, both inclusive. */
export interface EpochRange {
  readonly firstEpoch: number;
  readonly lastEpoch: number;
}

/** Marker: this epoch has started. */
export function epochMarkerId(epoch: number): BlobId {
  return `${EPOCH_PREFIX.marker}${epoch}`;
}

/** Prefix of an epoch's uncompacted index blobs; the underscore keeps 1 and 10 apart. */
export function uncompactedPrefix(epoch: number): string {
  return `${EPOCH_PREFIX.uncompacted}${epoch}_`;
}

/** Prefix of the compaction of one epoch. */
export function singleEpochPrefix(epoch: number): string {
  return `${EPOCH_PREFIX.singleEpoch}${epoch}_`;
}

/** Prefix of the compaction of several epochs. */
export function rangePrefix(range: EpochRange): string {
  return `${EPOCH_PREFIX.range}${range.firstEpoch}_${range.lastEpoch}_`;
}

/** Deletion watermark. */
export function watermarkId(seconds: number): BlobId {
  return `${EPOCH_PREFIX.watermark}${seconds}`;
}

/** Epoch of an `xe`, `xn` or `xs` blob; `undefined` for names to be ignored (spec 1 §8.4.1). */
export function parseEpoch(id: BlobId): number | undefined {
  const head = id.split("_", 1)[0] as string;
  return parseDecimal(head.replace(/^\D+/, ""));
}

/** Range of an `xr` blob; `undefined` for names to be ignored. */
export function parseEpochRange(id: BlobId): EpochRange | undefined {
  const parts = id.split("_");
  if (parts.length < 3) return undefined;
  const firstEpoch = parseDecimal((parts[0] as string).replace(/^\D+/, ""));
  const lastEpoch = parseDecimal(parts[1] as string);
  if (firstEpoch === undefined || lastEpoch === undefined || lastEpoch < firstEpoch) {
    return undefined;
  }
  return { firstEpoch, lastEpoch };
}

/** Seconds of an `xw` blob; `undefined` for names to be ignored. */
export function parseWatermark(id: BlobId): number | undefined {
  return parseDecimal(id.slice(EPOCH_PREFIX.watermark.length));
}

function parseDecimal(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
