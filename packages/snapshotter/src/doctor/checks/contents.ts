import {
  contentIdPrefix,
  releaseBytes,
  type ContentEntry,
  type ContentId,
} from "@kopia-engine/kopia-format";
import type { Examination } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

/** Contents read together: enough to find neighbours in packs, few enough to keep memory flat. */
const BATCH_CONTENTS = 8_192;
const BATCH_BYTES = 2 ** 26;
const MANIFEST_PREFIX = "m";

/** How much is read. */
export interface ReadingOptions {
  /** File data, in stored bytes, that is read at most; a sample when there is more. */
  readonly maxDataBytes: number;
}

/**
 * Reads contents: what has a prefix (directories, manifests) always, file data up to a limit. What cannot be
 * read is remembered for the look at the snapshots.
 */
export async function checkContents(
  examination: Examination,
  options: ReadingOptions,
): Promise<Finding[]> {
  const { repository, survey, reading, signal } = examination;
  const chance = chanceOfReading(examination, options.maxDataBytes);
  reading.isSample = chance < 1;
  examination.onProgress(
    chance < 1
      ? `reading contents, ${(100 * chance).toFixed(1)} % of the file data`
      : "reading contents",
  );
  let batch: ContentId[] = [];
  let batchBytes = 0;
  const readBatch = async (): Promise<void> => {
    signal?.throwIfAborted();
    for await (const { contentId, data, error } of repository.contents.getContents(batch)) {
      reading.readCount++;
      if (error !== undefined) examination.unreadable.set(contentId, error.message);
      else {
        reading.readBytes += data.length;
        releaseBytes(data);
      }
    }
    batch = [];
    batchBytes = 0;
  };
  for (const entry of repository.contents.contents()) {
    if (!isInItsPack(entry, survey.packs)) continue;
    if (contentIdPrefix(entry.contentId) === "" && !isChosen(examination, chance)) continue;
    batch.push(entry.contentId);
    batchBytes += entry.packedLength;
    if (batch.length >= BATCH_CONTENTS || batchBytes >= BATCH_BYTES) await readBatch();
  }
  await readBatch();
  return unreadableFindings(examination);
}

function chanceOfReading({ survey, packUse }: Examination, maxDataBytes: number): number {
  let dataBytes = 0;
  for (const [id, use] of packUse) {
    if (id.startsWith("p") && survey.packs.has(id)) dataBytes += use.packedBytes;
  }
  return dataBytes === 0 ? 1 : Math.min(1, maxDataBytes / dataBytes);
}

function isInItsPack(entry: ContentEntry, packs: Examination["survey"]["packs"]): boolean {
  const pack = packs.get(entry.packBlobId);
  return pack !== undefined && entry.packOffset + entry.packedLength <= pack.lengthBytes;
}

function isChosen({ random }: Examination, chance: number): boolean {
  if (chance >= 1 || chance <= 0) return chance >= 1;
  const bytes = random(4);
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0) / 2 ** 32 < chance;
}

function unreadableFindings(examination: Examination): Finding[] {
  const { unreadable, repository } = examination;
  const packOf = (id: ContentId): string =>
    repository.contents.getContentInfo(id)?.packBlobId ?? "unknown";
  const manifests: ContentId[] = [];
  const others: ContentId[] = [];
  for (const id of unreadable.keys()) {
    (contentIdPrefix(id) === MANIFEST_PREFIX ? manifests : others).push(id);
  }
  return [["content-damaged", others] as const, ["manifest-damaged", manifests] as const].flatMap(
    ([code, ids]) => {
      const [first] = ids;
      if (first === undefined) return [];
      const packs = someOf(new Set(ids.map(packOf)));
      return [
        finding(code, {
          summary: `${counted(ids.length, "content")} in ${counted(packs.length, "pack")}, for example ${first}: ${unreadable.get(first)}`,
          details: { contentCount: ids.length, contents: someOf(ids), packs },
          ...(code === "manifest-damaged" && { affected: "all" as const }),
        }),
      ];
    },
  );
}
