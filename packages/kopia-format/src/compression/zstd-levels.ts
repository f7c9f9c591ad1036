/** What is set beside the level, as the reference library names it. */
export interface ZstdTuning {
  /** Absent: as the level has it for the length of the content. */
  readonly windowLog?: number;
  readonly hashLog: number;
  readonly minMatch: number;
}

/** One zstd compressor of Kopia: only the stream format is tied to the ID, the level is ours (spec 1 §5.2). */
export interface ZstdLevel {
  readonly name: string;
  readonly headerId: number;
  /**
   * Level of the reference library: the quickest that packs no worse than Kopia's encoder under this name
   * (measured in docs/decisions/0002-algorithm-providers.md).
   */
  readonly level: number;
  /** For contents of at most 256 KiB. */
  readonly shortTuning?: ZstdTuning;
  /** For longer ones. */
  readonly longTuning?: ZstdTuning;
}

/** All zstd compressors, by header ID. */
export const ZSTD_LEVELS: readonly ZstdLevel[] = [
  { name: "zstd", headerId: 0x1100, level: 3 },
  {
    name: "zstd-fastest",
    headerId: 0x1101,
    level: 1,
    // Longer shortest matches: the many short ones that noise over few letters holds cost time and pack worse.
    shortTuning: { hashLog: 15, minMatch: 7 },
    longTuning: { windowLog: 21, hashLog: 15, minMatch: 6 },
  },
  { name: "zstd-better-compression", headerId: 0x1102, level: 5 },
  { name: "zstd-best-compression", headerId: 0x1103, level: 10 },
];
