/** One of the compressors that are DEFLATE inside. */
export interface DeflateVariant {
  readonly name: string;
  readonly headerId: number;
  /** `gzip`: RFC 1952, one member or several. `raw`: RFC 1951 without any wrapper. */
  readonly wrapper: "gzip" | "raw";
  readonly level: 1 | 6 | 9;
}

/**
 * The gzip, pgzip and deflate compressors (spec 1 §5.2). A pgzip stream is a gzip stream; the level is a hint, so both are
 * written alike.
 */
export const DEFLATE_VARIANTS: readonly DeflateVariant[] = [
  { name: "gzip", headerId: 0x1000, wrapper: "gzip", level: 6 },
  { name: "gzip-best-speed", headerId: 0x1001, wrapper: "gzip", level: 1 },
  { name: "gzip-best-compression", headerId: 0x1002, wrapper: "gzip", level: 9 },
  { name: "pgzip", headerId: 0x1300, wrapper: "gzip", level: 6 },
  { name: "pgzip-best-speed", headerId: 0x1301, wrapper: "gzip", level: 1 },
  { name: "pgzip-best-compression", headerId: 0x1302, wrapper: "gzip", level: 9 },
  { name: "deflate-default", headerId: 0x1500, wrapper: "raw", level: 6 },
  { name: "deflate-best-speed", headerId: 0x1501, wrapper: "raw", level: 1 },
  { name: "deflate-best-compression", headerId: 0x1502, wrapper: "raw", level: 9 },
];
