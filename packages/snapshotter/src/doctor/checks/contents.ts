import {
  contentIdPrefix,
  releaseBytes,
  type BlobId,
  type ContentId,
  type IndexReader,
} from "@kopia-engine/kopia-format";
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

/** Contents in the order in which they lie in their packs, so that each pack is read once. */
interface ChosenContents {
  readonly length: number;
  idsFrom(start: number, count: number): ContentId[];
}

/** No pack is longer: offsets and pack numbers share one number of 53 bits. */
const MAX_PACK_BYTES = 2 ** 30;

/** Twenty bytes a content: where its index entry is, and where it lies itself. */
function chooseContents(examination: Examination, chance: number): ChosenContents {
  const { repository, survey } = examination;
  const readers: IndexReader[] = [];
  const readerNumbers = new Map<IndexReader, number>();
  const packNumbers = new Map<BlobId, number>();
  const places = new GrowingNumbers();
  const entries = new GrowingNumbers();
  repository.contents.visitContents((reader, position) => {
    const packBlobId = reader.packBlobIdAt(position);
    const pack = survey.packs.get(packBlobId);
    const offset = reader.packOffsetAt(position);
    if (pack === undefined || offset + reader.packedLengthAt(position) > pack.lengthBytes) return;
    // Packs of metadata hold directories and manifests.
    if (packBlobId.startsWith("p") && !isChosen(examination, chance)) return;
    const readerNumber = numberOf(readerNumbers, reader);
    readers[readerNumber] = reader;
    places.push(numberOf(packNumbers, packBlobId) * MAX_PACK_BYTES + offset);
    entries.push(readerNumber * MAX_ENTRIES + position);
  });
  const order = Uint32Array.from({ length: places.length }, (_, i) => i);
  order.sort((a, b) => places.at(a) - places.at(b));
  return {
    length: order.length,
    idsFrom: (start, count) =>
      Array.from(order.subarray(start, start + count), (i) => {
        const entry = entries.at(i);
        const reader = readers[Math.floor(entry / MAX_ENTRIES)] as IndexReader;
        return reader.contentIdAt(entry % MAX_ENTRIES);
      }),
  };
}

/** An index blob has fewer entries (spec 1 §7.5). */
const MAX_ENTRIES = 2 ** 24;

function numberOf<Key>(numbers: Map<Key, number>, key: Key): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}

/** A list of numbers as bytes. */
class GrowingNumbers {
  #values = new Float64Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  at(position: number): number {
    return this.#values[position] as number;
  }

  push(value: number): void {
    if (this.#length === this.#values.length) {
      const larger = new Float64Array(2 * this.#length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#length++] = value;
  }
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
