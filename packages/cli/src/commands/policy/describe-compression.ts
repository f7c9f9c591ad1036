import type { DescribedPolicy } from "./describe-policy.ts";
import type { PolicyOrigins, PolicyRow } from "./policy-table.ts";

/** Rows about compression, metadata compression and splitter. */
export function compressionRows(
  described: DescribedPolicy,
  origins: PolicyOrigins,
): readonly PolicyRow[] {
  const { metadataCompression, splitter } = described.policy;
  const metadataCompressor = metadataCompression.compressorName ?? "";
  return [
    ...fileCompressionRows(described, origins),
    { text: "" },
    ...(isOff(metadataCompressor)
      ? [{ text: "Metadata compression disabled." }]
      : [
          { text: "Metadata compression:" },
          {
            label: "  Compressor:",
            value: metadataCompressor,
            origin: origins.of("metadataCompression.compressorName"),
          },
        ]),
    { text: "" },
    { text: "Splitter:" },
    {
      label: "  Algorithm override:",
      value: splitter.algorithm || "(repository default)",
      origin: origins.of("splitter.algorithm"),
    },
  ];
}

function fileCompressionRows(
  { policy: { compression }, formatBytes }: DescribedPolicy,
  origins: PolicyOrigins,
): readonly PolicyRow[] {
  const compressor = compression.compressorName ?? "";
  if (isOff(compressor)) return [{ text: "Compression disabled." }];
  const { onlyCompress = [], neverCompress = [], minSize = 0n, maxSize = 0n } = compression;
  const rows: PolicyRow[] = [
    { text: "Compression:" },
    {
      label: "  Compressor:",
      value: compressor,
      origin: origins.of("compression.compressorName"),
    },
  ];
  if (onlyCompress.length > 0) {
    rows.push({
      label: "  Only compress files with the following extensions:",
      value: "",
      origin: origins.of("compression.onlyCompress"),
    });
    rows.push(...extensions(onlyCompress));
  } else if (neverCompress.length > 0) {
    rows.push({
      label: "  Compress all files except the following extensions:",
      value: "",
      origin: origins.of("compression.neverCompress"),
    });
    rows.push(...extensions(neverCompress));
  } else rows.push({ text: "  Compress files regardless of extensions." });
  if (maxSize > 0n) {
    const range = `${formatBytes(minSize)} and ${formatBytes(maxSize)}`;
    rows.push({ text: `  Only compress files between ${range}.` });
  } else if (minSize > 0n)
    rows.push({ text: `  Only compress files bigger than ${formatBytes(minSize)}.` });
  else rows.push({ text: "  Compress files of all sizes." });
  return rows;
}

function isOff(compressorName: string): boolean {
  return compressorName === "" || compressorName === "none";
}

function extensions(texts: readonly string[]): readonly PolicyRow[] {
  return texts.map((text) => ({ text: `     - ${text}` }));
}
