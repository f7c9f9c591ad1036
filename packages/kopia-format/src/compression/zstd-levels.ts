/** One zstd compressor of Kopia: only the stream format is tied to the ID, the level is ours (spec 1 §5.2). */
export interface ZstdLevel {
  readonly name: string;
  readonly headerId: number;
  /**
   * Level of the reference library: of those that are quicker than Kopia's encoder under this name,
   * the one with the best ratio (measured in docs/decisions/0002-algorithm-providers.md).
   */
  readonly level: number;
}

/** All zstd compressors, by header ID. */
export const ZSTD_LEVELS: readonly ZstdLevel[] = [
  { name: "zstd", headerId: 0x1100, level: 3 },
  { name: "zstd-fastest", headerId: 0x1101, level: 2 },
  { name: "zstd-better-compression", headerId: 0x1102, level: 5 },
  { name: "zstd-best-compression", headerId: 0x1103, level: 10 },
];
