/** One kernel to be measured, as plain data: what to do in one pass (spec 3 §10). */
export type KernelSpec =
  | { readonly kind: "hashing"; readonly hash: string; readonly blockBytes: number }
  | { readonly kind: "encryption"; readonly encryption: string; readonly blockBytes: number }
  | {
      readonly kind: "crypto";
      readonly hash: string;
      readonly encryption: string;
      readonly blockBytes: number;
    }
  | {
      readonly kind: "ecc";
      readonly operation: "encode" | "decode";
      readonly overheadPercent: number;
      readonly blockBytes: number;
    }
  | {
      readonly kind: "splitter";
      readonly splitter: string;
      readonly seed: number;
      readonly blockCount: number;
      readonly blockBytes: number;
    }
  /** Looks up all contents of an index, in another order than it has. */
  | { readonly kind: "index"; readonly contentCount: number; readonly blobCount: number }
  | {
      readonly kind: "compression";
      readonly operation: "compress" | "decompress";
      readonly compressor: string;
      /** What is to be packed, also for `decompress`. */
      readonly data: Uint8Array;
    };

/** A kernel that is ready to be measured. */
export interface Kernel {
  /** Bytes, or lookups, that one pass counts for. */
  readonly passBytes: number;
  /** Length of what a pass puts out, for kernels whose output says something. */
  readonly outputBytes?: number;
  /** One pass. */
  run(): void;
  /** Lengths of all segments, of splitters. */
  segmentLengths?(): number[];
  /** Output of a pass, of compressors. */
  output?(): Uint8Array;
}
