import type { CompressionPolicy, MetadataCompressionPolicy } from "./policy.ts";

/**
 * Name of the compressor for a file, or `undefined` for none (spec 2 §8.6). `onlyCompress` does not
 * leave other files out: it only wins over `neverCompress`, and over nothing else.
 * @param name base name of the file.
 * @param sizeBytes size from the listing, 0 for streams.
 */
export function chooseCompressor(
  policy: CompressionPolicy,
  name: string,
  sizeBytes: bigint | number,
): string | undefined {
  const compressor = policy.compressorName ?? "";
  if (compressor === "" || compressor === "none") return undefined;
  const { minSize = 0n, maxSize = 0n } = policy;
  if (minSize > 0n && sizeBytes < minSize) return undefined;
  if (maxSize > 0n && sizeBytes > maxSize) return undefined;
  const dot = name.lastIndexOf(".");
  const extension = dot < 0 ? "" : name.slice(dot);
  if (isListed(policy.onlyCompress, extension)) return compressor;
  if (isListed(policy.neverCompress, extension)) return undefined;
  return compressor;
}

/** Name of the compressor for listings and indirect objects, or `undefined` for none. */
export function chooseMetadataCompressor(policy: MetadataCompressionPolicy): string | undefined {
  const name = policy.compressorName ?? "";
  return name === "" || name === "none" ? undefined : name;
}

/** Binary search: an unsorted list may miss its own members, in Kopia as well (spec 2 §8.6). */
function isListed(sorted: readonly string[] | undefined, extension: string): boolean {
  if (sorted === undefined) return false;
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as string) < extension) low = middle + 1;
    else high = middle;
  }
  return sorted[low] === extension;
}
