import {
  OverlayStorage,
  RecoveredEntries,
  openRepository,
  scanPackIndexes,
  sessionIdOfBlob,
  type BlobId,
  type ContentEntry,
  type IndexReader,
} from "@kopia-engine/kopia-format";
import { indexTrouble, type Examination } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

const PARALLEL_PACKS = 8;
/** Entries of this format version on are never dropped by upkeep: later ones only mark them (spec 3 §1.9). */
const FIRST_VERSION_WITH_EPOCHS = 2;

/** Entries that packs hold and the index does not, by the pack they were found in. */
interface MissingEntries {
  readonly entries: RecoveredEntries;
  readonly packs: Map<BlobId, { count: number; bytes: number }>;
  /** Packs of sessions whose marker is still there. */
  readonly unfinishedPacks: Map<BlobId, { count: number; bytes: number }>;
  /** Whether one of them cannot be explained by upkeep or an unfinished session. */
  isProven: boolean;
}

/**
 * Compares what every pack says of itself with the index (spec 3 §3.4): entries that a pack holds and the
 * index has lost, as a compaction from an incomplete set loses them (kopia#5371).
 */
export async function checkIndexEntries(examination: Examination): Promise<Finding[]> {
  const { survey, repository, crypto, signal } = examination;
  examination.onProgress(`looking into ${counted(survey.packs.size, "pack")}`);
  const missing: MissingEntries = {
    entries: new RecoveredEntries(crypto.hash.sizeBytes),
    packs: new Map(),
    unfinishedPacks: new Map(),
    isProven: false,
  };
  const unfinishedSessions = new Set(survey.sessionBlobs.map(({ id }) => sessionIdOfBlob(id)));
  const damagedEnds = new Map<BlobId, string>();
  await scanPackIndexes({
    storage: repository.storage,
    crypto,
    packs: [...survey.packs].map(([id, { lengthBytes }]) => ({ id, lengthBytes })),
    parallel: PARALLEL_PACKS,
    ...(signal !== undefined && { signal }),
    onIndex: (packId, index) => {
      if (index.entryCount > 0 && index.keyLength !== 1 + crypto.hash.sizeBytes) {
        damagedEnds.set(packId, "its index is of another repository");
        return;
      }
      const session = sessionIdOfBlob(packId);
      const isUnfinished = session !== undefined && unfinishedSessions.has(session);
      for (let position = 0; position < index.entryCount; position++) {
        if (!index.isDeletedAt(position) && isMissing(examination, index, position)) {
          note(examination, missing, packId, { entry: index.entryAt(position), isUnfinished });
        }
      }
    },
    onProblem: (packId, error) => {
      // A pack of no bytes, or one that is too short, is reported as such.
      if (error.code !== "BLOB_NOT_FOUND") damagedEnds.set(packId, error.message);
    },
  });
  if (missing.entries.keptCount > 0) await openRecovered(examination, missing);
  return [
    ...lostFinding(examination, missing),
    ...unfinishedFinding(missing),
    ...damagedEndsFinding(examination, damagedEnds),
  ];
}

/** Whether the index does not know a content at all; one that it knows as deleted is upkeep's work. */
function isMissing({ repository }: Examination, index: IndexReader, position: number): boolean {
  return !repository.contents.hasStoredEntryAt(index, position);
}

function note(
  examination: Examination,
  missing: MissingEntries,
  packId: BlobId,
  found: { readonly entry: ContentEntry; readonly isUnfinished: boolean },
): void {
  const { entry, isUnfinished } = found;
  const inPack = entry.packBlobId === "" ? { ...entry, packBlobId: packId } : entry;
  if (inPack.packBlobId !== packId) return;
  missing.entries.keep(inPack);
  const packs = isUnfinished ? missing.unfinishedPacks : missing.packs;
  const tally = packs.get(packId) ?? { count: 0, bytes: 0 };
  tally.count++;
  tally.bytes += entry.packedLength;
  packs.set(packId, tally);
  if (isUnfinished || !examination.repository.format.content.epochParameters.enabled) return;
  if (entry.formatVersion >= FIRST_VERSION_WITH_EPOCHS) missing.isProven = true;
}

/** Tries the recovery in memory, so that what it brings back can be looked at. */
async function openRecovered(examination: Examination, missing: MissingEntries): Promise<void> {
  const { repository, crypto, clock, random } = examination;
  const { format, client } = repository;
  examination.recoverable = {
    contentCount: missing.entries.keptCount,
    packs: new Set([...missing.packs.keys(), ...missing.unfinishedPacks.keys()]),
  };
  const storage = new OverlayStorage(repository.storage);
  await missing.entries.commit({ storage, format, ...crypto, clock, random });
  examination.recoveredRepository = await openRepository(storage, {
    password: "",
    format,
    client,
    clock,
    ignoreMalformedManifests: true,
    onUnreadableIndex: () => undefined,
  });
}

function lostFinding(examination: Examination, missing: MissingEntries): Finding[] {
  const code = indexTrouble(examination);
  const { packs } = missing;
  // Damaged and missing index blobs are findings of their own. Of repositories without epochs, upkeep drops
  // entries for good: there only a snapshot that needs one proves a loss.
  if (code !== "index-entries-lost" || packs.size === 0 || !missing.isProven) return [];
  const sessions = new Set([...packs.keys()].map((id) => sessionIdOfBlob(id) ?? "unknown"));
  const contentCount = sumOf(packs, "count");
  return [
    finding("index-entries-lost", {
      summary: `${counted(contentCount, "content")} in ${counted(packs.size, "pack")} of ${counted(sessions.size, "write session")} are not in the index: it was rebuilt without them`,
      details: {
        contentCount,
        packedBytes: sumOf(packs, "bytes"),
        packCount: packs.size,
        packs: someOf(packs.keys()),
        sessions: someOf(sessions),
        recovery: "kopia --dangerous-commands=enabled index recover --commit",
      },
    }),
  ];
}

function unfinishedFinding({ unfinishedPacks }: MissingEntries): Finding[] {
  if (unfinishedPacks.size === 0) return [];
  return [
    finding("session-unfinished", {
      summary: `${counted(unfinishedPacks.size, "pack")} with ${counted(sumOf(unfinishedPacks, "count"), "content")}`,
      details: { packs: someOf(unfinishedPacks.keys()) },
    }),
  ];
}

function damagedEndsFinding(
  { survey, packUse }: Examination,
  damagedEnds: ReadonlyMap<BlobId, string>,
): Finding[] {
  const damaged = [...damagedEnds].filter(([id]) => {
    const lengthBytes = survey.packs.get(id)?.lengthBytes ?? 0;
    return lengthBytes > 0 && lengthBytes >= (packUse.get(id)?.endOffset ?? 0);
  });
  if (damaged.length === 0) return [];
  const [first] = damaged;
  return [
    finding("pack-index-damaged", {
      summary: `${counted(damaged.length, "pack")}, for example ${first?.[0]}: ${first?.[1]}. Their contents are readable through the index`,
      details: { packCount: damaged.length, packs: someOf(damaged.map(([id]) => id)) },
    }),
  ];
}

function sumOf(
  packs: ReadonlyMap<BlobId, { readonly count: number; readonly bytes: number }>,
  key: "count" | "bytes",
): number {
  let sum = 0;
  for (const tally of packs.values()) sum += tally[key];
  return sum;
}
