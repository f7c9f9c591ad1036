import { NS_PER_SECOND, type BlobId } from "@kopia-engine/kopia-format";
import type { Examination, PackUse } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

/** Margins of maintenance allow for so much (spec 1 §12.3). */
const MAX_SKEW_SECONDS = 300;
const MANIFEST_PREFIX = "m";

/** Sums up for each pack what the index says of it. One pass, nothing is kept for a content. */
export function measurePacks(examination: Examination): ReadonlyMap<BlobId, PackUse> {
  const { repository, signal } = examination;
  const use = new Map<BlobId, PackUse>();
  let contentCount = 0;
  for (const entry of repository.contents.contents({ includeDeleted: true })) {
    const { packBlobId, packedLength, packOffset, timestampSeconds, deleted } = entry;
    let pack = use.get(packBlobId);
    if (pack === undefined) {
      signal?.throwIfAborted();
      pack = { contentCount: 0, packedBytes: 0, endOffset: 0, newestSeconds: 0, manifestCount: 0 };
      use.set(packBlobId, pack);
    }
    contentCount++;
    pack.contentCount++;
    pack.packedBytes += packedLength;
    pack.endOffset = Math.max(pack.endOffset, packOffset + packedLength);
    if (deleted) continue;
    pack.newestSeconds = Math.max(pack.newestSeconds, timestampSeconds);
    if (entry.contentId.startsWith(MANIFEST_PREFIX)) pack.manifestCount++;
  }
  examination.reading.contentCount = contentCount;
  return use;
}

/** Packs against the index: missing, short, unused; and clocks against each other. */
export function checkPacks(examination: Examination): Finding[] {
  const { survey, packUse } = examination;
  const missing: BlobId[] = [];
  const truncated: BlobId[] = [];
  let missingContents = 0;
  let truncatedContents = 0;
  for (const [id, use] of packUse) {
    const pack = survey.packs.get(id);
    if (pack === undefined) {
      missing.push(id);
      missingContents += use.contentCount;
    } else if (pack.lengthBytes < use.endOffset) {
      truncated.push(id);
      truncatedContents += use.contentCount;
    }
  }
  const findings: Finding[] = [];
  if (missing.length > 0) {
    findings.push(
      finding("pack-missing", {
        summary: `${counted(missing.length, "pack")} with ${counted(missingContents, "content")}: ${someOf(missing).slice(0, 3).join(", ")}`,
        ...affectedBy(missing, packUse),
        details: {
          packCount: missing.length,
          contentCount: missingContents,
          packs: someOf(missing),
        },
      }),
    );
  }
  if (truncated.length > 0) {
    const empty = truncated.filter((id) => survey.packs.get(id)?.lengthBytes === 0);
    findings.push(
      finding("pack-truncated", {
        summary: `${counted(truncated.length, "pack")} with ${counted(truncatedContents, "content")}, ${empty.length} of them empty: ${someOf(truncated).slice(0, 3).join(", ")}`,
        ...affectedBy(truncated, packUse),
        details: {
          packCount: truncated.length,
          emptyPackCount: empty.length,
          contentCount: truncatedContents,
          packs: someOf(truncated),
        },
      }),
    );
  }
  return [...findings, ...checkUnreferenced(examination), ...checkClocks(examination)];
}

/** Where manifests are lost, nobody can say which snapshots there were. */
function affectedBy(
  packs: readonly BlobId[],
  packUse: Examination["packUse"],
): { readonly affected?: "all" } {
  const hasManifests = packs.some((id) => (packUse.get(id)?.manifestCount ?? 0) > 0);
  return hasManifests ? { affected: "all" } : {};
}

function checkUnreferenced({ survey, packUse, recoverable }: Examination): Finding[] {
  const unused: BlobId[] = [];
  let bytes = 0;
  for (const [id, { lengthBytes }] of survey.packs) {
    if (packUse.has(id) || recoverable.packs.has(id)) continue;
    unused.push(id);
    bytes += lengthBytes;
  }
  if (unused.length === 0) return [];
  const percent = ((100 * bytes) / Math.max(1, survey.packBytes)).toFixed(1);
  return [
    finding("unreferenced-packs", {
      summary: `${counted(unused.length, "pack")} with ${bytes} bytes, ${percent} % of all packs`,
      details: { packCount: unused.length, bytes, packs: someOf(unused) },
    }),
  ];
}

/** An entry is never newer than its pack's file, unless the writer's clock was ahead of the storage's. */
function checkClocks({ survey, packUse, clock }: Examination): Finding[] {
  const findings: Finding[] = [];
  const { futureBlobs } = survey;
  if (futureBlobs.length > 0) {
    const [first] = futureBlobs;
    const hours = ((first?.timestamp ?? 0n) - clock.now()) / (3600n * NS_PER_SECOND);
    findings.push(
      finding("future-timestamps", {
        summary: `${counted(futureBlobs.length, "blob")}, for example ${first?.id}, ${hours} hours ahead`,
        details: { blobCount: futureBlobs.length, blobs: someOf(futureBlobs.map(({ id }) => id)) },
      }),
    );
  }
  let count = 0;
  let worstSeconds = 0;
  const examples: BlobId[] = [];
  for (const [id, { newestSeconds }] of packUse) {
    const pack = survey.packs.get(id);
    if (pack === undefined) continue;
    const aheadSeconds = newestSeconds - Number(pack.timestamp / NS_PER_SECOND);
    if (aheadSeconds <= MAX_SKEW_SECONDS) continue;
    count++;
    worstSeconds = Math.max(worstSeconds, aheadSeconds);
    if (examples.length < 10) examples.push(id);
  }
  if (count > 0) {
    findings.push(
      finding("clock-skew", {
        summary: `${counted(count, "pack")} written by clients whose clock was up to ${worstSeconds} seconds ahead of the storage's: ${examples.slice(0, 3).join(", ")}`,
        details: { packCount: count, worstSeconds, packs: examples },
      }),
    );
  }
  return findings;
}
