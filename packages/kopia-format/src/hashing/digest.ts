import type { Bytes } from "../base/bytes.ts";

/** Which implementation to use: `fast` where the platform has it, `portable` everywhere. */
export type DigestProvider = "portable" | "fast";

/** A keyed digest before truncation. */
export interface Digest {
  readonly provider: DigestProvider;
  /** The full result in bytes of its own. */
  compute(data: Uint8Array): Bytes;
  /** As `compute` of each, in order. Only where several at once are quicker. */
  readonly computeMany?: (messages: readonly Uint8Array[]) => Bytes[];
}
