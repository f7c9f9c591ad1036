import { contentIdPrefix, releaseBytes, type ContentId } from "@kopia-engine/kopia-format";
import { ContentsByPlace } from "../contents-by-place.ts";
import type { Examination } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

/** Contents read together: enough to find neighbours in packs, few enough to keep memory flat. */
const BATCH_CONTENTS = 8_192;
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
  const { repository, reading, signal } = examination;
  const chance = chanceOfReading(examination, options.maxDataBytes);
  reading.isSample = chance < 1;
  examination.onProgress(
    chance < 1
      ? `reading contents, ${(100 * chance).toFixed(1)} % of the file data`
      : "reading contents",
  );
  const chosen = chooseContents(examination, chance);
  for (let start = 0; start < chosen.length; start += BATCH_CONTENTS) {
    signal?.throwIfAborted();
    const ids = chosen.idsFrom(start, BATCH_CONTENTS);
    for await (const { contentId, data, error } of repository.contents.getContents(ids)) {
      reading.readCount++;
      if (error !== undefined) examination.unreadable.set(contentId, error.message);
      else {
        reading.readBytes += data.length;
        releaseBytes(data);
      }
    }
  }
  return unreadableFindings(examination);
}

function chanceOfReading({ survey, packUse }: Examination, maxDataBytes: number): number {
  let dataBytes = 0;
  for (const [id, use] of packUse) {
    if (id.startsWith("p") && survey.packs.has(id)) dataBytes += use.packedBytes;
  }
  return dataBytes === 0 ? 1 : Math.min(1, maxDataBytes / dataBytes);
}

function chooseContents(examination: Examination, chance: number): ContentsByPlace {
  const { repository, survey } = examination;
  const chosen = new ContentsByPlace();
  repository.contents.visitContents((reader, position) => {
    const packBlobId = reader.packBlobIdAt(position);
    const pack = survey.packs.get(packBlobId);
    const endOffset = reader.packOffsetAt(position) + reader.packedLengthAt(position);
    if (pack === undefined || endOffset > pack.lengthBytes) return;
    // Packs of metadata hold directories and manifests.
    if (packBlobId.startsWith("p") && !isChosen(examination, chance)) return;
    chosen.add(reader, position);
  });
  chosen.sort();
  return chosen;
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
