import type { Bytes } from "../base/bytes.ts";

/** A keyed content hash of one repository (spec 1 §4.2). Synchronous; one instance per thread. */
export interface HashFunction {
  /** Name as recorded in the format blob, such as `BLAKE2B-256-128`. */
  readonly name: string;
  /** Output length in bytes (16 for the default). */
  readonly sizeBytes: number;
  /** Which implementation is active: `portable` or `fast` (asserted by a test). */
  readonly provider: "portable" | "fast";
  hash(data: Uint8Array): Bytes;
  /** As `hash` of each, in order. Only where several at once are quicker. */
  readonly hashMany?: (messages: readonly Uint8Array[]) => Bytes[];
}
