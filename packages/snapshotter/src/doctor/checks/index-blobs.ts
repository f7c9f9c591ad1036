import type { Examination } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

/** Kopia warns from here on (spec 3 §1.13). */
const MANY_INDEX_BLOBS = 1000;
/** An epoch is stuck when it spans so many times its shortest duration. */
const STUCK_AFTER_DURATIONS = 3n;

/** Index blobs: missing, damaged, too many, in an epoch that does not end (spec 1 §8). */
export async function checkIndexBlobs(examination: Examination): Promise<Finding[]> {
  const { repository, survey, damagedIndexBlobs } = examination;
  const active = repository.contents.indexBlobs();
  const findings: Finding[] = [];
  if (active.length === 0 && survey.packs.size > 0 && !(await isUnfinishedStart(examination))) {
    findings.push(
      finding("index-missing", {
        summary: `${counted(survey.packs.size, "pack")} with ${survey.packBytes} bytes, and no index blob`,
        details: { packCount: survey.packs.size, packBytes: survey.packBytes },
      }),
    );
  }
  if (damagedIndexBlobs.size > 0) {
    const [first] = damagedIndexBlobs;
    findings.push(
      finding("index-blob-damaged", {
        summary: `${counted(damagedIndexBlobs.size, "index blob")} of ${active.length}, for example ${first?.[0]}: ${first?.[1]}`,
        details: { blobs: someOf(damagedIndexBlobs.keys()) },
      }),
    );
  }
  if (active.length > MANY_INDEX_BLOBS) {
    findings.push(
      finding("index-blobs-many", {
        summary: `${active.length} index blobs are in use; ${MANY_INDEX_BLOBS} are many`,
        details: { indexBlobCount: active.length },
      }),
    );
  }
  return [...findings, ...(await checkEpoch(examination))];
}

/** A client that died, or works, before its very first flush is no loss of an index. */
async function isUnfinishedStart({ repository }: Examination): Promise<boolean> {
  try {
    await repository.contents.assertIndexPresent();
    return true;
  } catch {
    return false;
  }
}

async function checkEpoch({ repository }: Examination): Promise<Finding[]> {
  const epoch = await repository.currentEpoch();
  if (epoch === undefined) return [];
  const { epochParameters } = repository.format.content;
  const blobs = repository.contents
    .indexBlobs()
    .filter(({ id }) => id.startsWith(`xn${epoch}_`))
    .toSorted((a, b) => (a.timestamp < b.timestamp ? -1 : 1));
  const [first] = blobs;
  const last = blobs.at(-1);
  if (first === undefined || last === undefined) return [];
  const spanNs = last.timestamp - first.timestamp;
  const totalBytes = blobs.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
  const isFull =
    blobs.length >= epochParameters.epochAdvanceOnCountThreshold ||
    totalBytes >= epochParameters.epochAdvanceOnTotalSizeBytesThreshold;
  const isOld = spanNs >= STUCK_AFTER_DURATIONS * BigInt(epochParameters.minEpochDurationNs);
  if (!isFull || !isOld) return [];
  const days = spanNs / 86_400_000_000_000n;
  return [
    finding("epoch-stuck", {
      summary: `epoch ${epoch} has lasted ${days} days and has ${blobs.length} index blobs`,
      details: { epoch, indexBlobCount: blobs.length, totalBytes },
    }),
  ];
}
