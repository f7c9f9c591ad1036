/** One zstd compressor of Kopia: only the stream format is tied to the ID, the level is ours (spec 1 §5.2). */
export interface ZstdLevel {
  readonly name: string;
  readonly headerId: number;
  /** Level of the reference library that comes near the speed and ratio Kopia has under this name. */
  readonly level: number;
}

/** All zstd compressors, by header ID. */
export const ZSTD_LEVELS: readonly ZstdLevel[] = [
  { name: "zstd", headerId: 0x1100, level: 3 },
  { name: "zstd-fastest", headerId: 0x1101, level: 1 },
  { name: "zstd-better-compression", headerId: 0x1102, level: 7 },
  { name: "zstd-best-compression", headerId: 0x1103, level: 12 },
];
