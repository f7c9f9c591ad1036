import fc from "fast-check";
import { toHex, utf8Encode } from "../../src/base/bytes.ts";
import { fnv1a32 } from "../../src/base/fnv.ts";
import type { ContentEntry, ContentId } from "../../src/content/content-entry.ts";

/** Content IDs with a hash of `hashLengthBytes`, few enough distinct ones to collide when `distinct` is small. */
export function arbitraryContentId(
  hashLengthBytes: number,
  distinct = 2 ** 24,
): fc.Arbitrary<ContentId> {
  const prefix = fc.constantFrom("", "", "g", "k", "m", "x", "z");
  return fc.tuple(prefix, fc.nat({ max: distinct - 1 })).map(([letter, number]) => {
    const hash = new Uint8Array(hashLengthBytes);
    const view = new DataView(new ArrayBuffer(4));
    // Spread over both ends, so that keys share neither heads nor tails.
    view.setUint32(0, Math.imul(number, 0x9e3779b1));
    for (let i = 0; i < hashLengthBytes; i++) hash[i] = view.getUint8(i % 4) ^ (i >> 2);
    view.setUint32(0, number);
    for (let i = 0; i < Math.min(3, hashLengthBytes); i++) {
      hash[hashLengthBytes - 1 - i] = view.getUint8(3 - i);
    }
    return letter + toHex(hash);
  });
}

/** Pack blob IDs, of lengths that occur. */
export const arbitraryPackBlobId: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom("p", "q"), fc.nat({ max: 12 }), fc.boolean())
  .map(([prefix, number, hasSession]) => {
    const random = number.toString(16).padStart(32, "0");
    return prefix + random + (hasSession ? "-s0011223344556677144" : "");
  });

const LENGTHS = [0, 1, 28, 128, 300, 2 ** 24 - 1, 2 ** 24, 2 ** 28 - 1] as const;
const OFFSETS = [0, 32, 100, 2 ** 24 + 5, 2 ** 30 - 1] as const;
const COMPRESSIONS = [0, 0x1100, 0x1101] as const;

/**
 * Entries that either index version can hold; few `timestamps` make ties likely. A pack is written
 * once, so two entries of one content in one pack with equal times are copies of each other: what lies
 * behind the rank of an entry (spec 1 §7.6) follows from it.
 */
export function arbitraryEntry(options: {
  readonly version: 1 | 2;
  readonly distinctIds?: number;
  readonly timestamps?: number;
}): fc.Arbitrary<ContentEntry> {
  return fc
    .record({
      contentId: arbitraryContentId(16, options.distinctIds ?? 2 ** 24),
      packBlobId: arbitraryPackBlobId,
      timestampSeconds: fc.nat({ max: options.timestamps ?? 2 ** 31 }),
      deleted: fc.boolean(),
    })
    .map((ranked) => {
      const { contentId, packBlobId, timestampSeconds, deleted } = ranked;
      const seed = fnv1a32(
        utf8Encode(`${contentId} ${packBlobId} ${timestampSeconds} ${String(deleted)}`),
      );
      const packedLength = pick(LENGTHS, seed);
      return {
        contentId,
        packBlobId,
        timestampSeconds,
        packOffset: pick(OFFSETS, seed >>> 3),
        packedLength,
        // Version 1 stores neither original length nor compression (spec 1 §7.2).
        originalLength:
          options.version === 1 ? Math.max(0, packedLength - 28) : pick(LENGTHS, seed >>> 7),
        deleted,
        compressionHeaderId: options.version === 1 ? 0 : pick(COMPRESSIONS, seed >>> 11),
        formatVersion: 1 + ((seed >>> 16) % 3),
        encryptionKeyId: 0,
      };
    });
}

function pick<Value>(values: readonly Value[], seed: number): Value {
  return values[seed % values.length] as Value;
}

/** The entry of each content that wins (spec 1 §7.6), by the plainest means. */
export function mergePlainly(entries: Iterable<ContentEntry>): ContentEntry[] {
  const winners = new Map<ContentId, ContentEntry>();
  for (const entry of entries) {
    const present = winners.get(entry.contentId);
    if (present === undefined || rank(entry) > rank(present)) winners.set(entry.contentId, entry);
  }
  return [...winners.values()].sort((a, b) => (a.contentId < b.contentId ? -1 : 1));
}

function rank(entry: ContentEntry): string {
  const time = entry.timestampSeconds.toString().padStart(20, "0");
  return `${time} ${entry.deleted ? 0 : 1} ${entry.packBlobId}`;
}
