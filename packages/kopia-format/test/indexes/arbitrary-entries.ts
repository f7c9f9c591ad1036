import fc from "fast-check";
import { toHex } from "../../src/base/bytes.ts";
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

/** Entries that either index version can hold; `timestamps` small makes ties likely. */
export function arbitraryEntry(options: {
  readonly version: 1 | 2;
  readonly distinctIds?: number;
  readonly timestamps?: number;
}): fc.Arbitrary<ContentEntry> {
  const { version } = options;
  const length = fc.oneof(
    fc.nat({ max: 300 }),
    fc.nat({ max: 2 ** 24 + 5 }),
    fc.constant(2 ** 28 - 1),
  );
  return fc
    .record({
      contentId: arbitraryContentId(16, options.distinctIds ?? 2 ** 24),
      packBlobId: arbitraryPackBlobId,
      timestampSeconds: fc.nat({ max: options.timestamps ?? 2 ** 31 }),
      packOffset: fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 2 ** 30 - 1 })),
      packedLength: length,
      originalLength: length,
      deleted: fc.boolean(),
      compressionHeaderId: version === 1 ? fc.constant(0) : fc.constantFrom(0, 0x1100, 0x1101),
      formatVersion: fc.constantFrom(1, 2, 3),
      encryptionKeyId: fc.constant(0),
    })
    .map((entry) => (version === 2 ? entry : withVersion1Length(entry)));
}

/** Version 1 does not store original lengths (spec 1 §7.2). */
function withVersion1Length(entry: ContentEntry): ContentEntry {
  return { ...entry, originalLength: Math.max(0, entry.packedLength - 28) };
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
