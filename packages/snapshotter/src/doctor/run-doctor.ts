import {
  FoundFilesStorage,
  KopiaError,
  ReadOnlyStorage,
  createContentEncryptor,
  createHashFunction,
  errorMessage,
  inspectDirectory,
  isKopiaError,
  openRepository,
  systemClock,
  systemRandom,
  toHex,
  type BlobId,
  type BlobMetadata,
  type BlobStorage,
  type Clock,
  type DirectoryInspection,
  type FoundFile,
  type RandomBytes,
  type RepositoryFormat,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import { checkContents, type ReadingOptions } from "./checks/contents.ts";
import { checkIndexBlobs } from "./checks/index-blobs.ts";
import { checkIndexEntries } from "./checks/index-entries.ts";
import { checkMaintenance } from "./checks/maintenance.ts";
import { checkPacks, measurePacks } from "./checks/packs.ts";
import { checkRetention } from "./checks/retention.ts";
import { checkSessions } from "./checks/sessions.ts";
import { checkSnapshots, type SnapshotDamage } from "./checks/snapshots.ts";
import { checkForeignFiles, checkStorageFiles } from "./checks/storage-files.ts";
import type { Examination } from "./examination.ts";
import { FINDING_CODES, type Severity } from "./finding-codes.ts";
import { counted, finding, type Finding } from "./finding.ts";
import { openForExamination, type OpenedForExamination } from "./open-for-examination.ts";
import { isKnownBlobId, surveyBlobs, type BlobSurvey } from "./survey-blobs.ts";

/** What `runDoctor` is told. */
export interface DoctorOptions {
  /** Never written to. It stays the caller's. */
  readonly storage: BlobStorage;
  /** Directory of a filesystem storage, to look at its files. */
  readonly directory?: string;
  /** Absent: only what needs no password is examined. */
  readonly password?: string;
  /** Of an earlier opening: spares the key derivation. */
  readonly format?: RepositoryFormat;
  /** This client: an owner of maintenance by that name is known to be in use. */
  readonly client?: { readonly username: string; readonly hostname: string };
  /** File data in stored bytes that is read at most. Default 1 GiB; `Infinity` reads all. */
  readonly maxDataBytes?: number;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  readonly onProgress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** How a repository does. */
export type DoctorVerdict = "healthy" | "problems" | "incomplete";

/** Result of `runDoctor`. */
export interface DoctorReport {
  /** `problems`: an error or a warning; `incomplete`: something could not be examined. Notes are healthy. */
  readonly verdict: DoctorVerdict;
  readonly examinedAt: TimeNs;
  readonly storage: string;
  /** In hex; absent when the format could not be read. */
  readonly uniqueId?: string;
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly incomplete: readonly { readonly check: string; readonly reason: string }[];
  readonly totals: DoctorTotals;
}

/** What was looked at. */
export interface DoctorTotals {
  readonly blobCount: number;
  readonly blobBytes: number;
  readonly packCount: number;
  readonly snapshotCount: number;
  readonly contentCount: number;
  readonly readContentCount: number;
  readonly readBytes: number;
  /** Only a part of the file data was read. */
  readonly isSample: boolean;
}

const DEFAULT_MAX_DATA_BYTES = 2 ** 30;
const SEVERITIES: readonly Severity[] = ["error", "warning", "note"];

/**
 * Examines a repository, whatever state it is in, without writing anything: what is damaged, which snapshots
 * are hit, what to do.
 * @throws KopiaError when the storage cannot be listed at all, or there is no repository; the signal's reason.
 */
export async function runDoctor(options: DoctorOptions): Promise<DoctorReport> {
  const { clock = systemClock, onProgress = () => undefined } = options;
  const now = clock.now();
  const findings: Finding[] = [];
  onProgress("listing the storage");
  const { inspection, files } = lookAtFiles(options.directory);
  if (inspection !== undefined) findings.push(...checkStorageFiles(inspection, now));
  const incomplete: Examination["incomplete"] = [];
  if (inspection !== undefined && inspection.unreadable.count > 0) {
    // What lies there would look lost.
    incomplete.push({ check: "storage", reason: "parts of it cannot be read" });
    return report({ options, now, findings, incomplete });
  }
  // Where the layout does not fit, blobs are read from where they were found.
  const isLayoutRight = inspection?.misplaced.count === 0 && inspection.shardsError === undefined;
  const storage =
    files === undefined || isLayoutRight
      ? new ReadOnlyStorage(options.storage)
      : new FoundFilesStorage(files, options.storage.displayName);
  const survey = await surveyBlobs(files === undefined ? storage.list("") : blobsOf(files), now);
  assertIsRepository(options, survey);
  onProgress("reading the format");
  const { password, format } = options;
  const opened = await openForExamination({ storage, survey, password, format, clock });
  findings.push(...checkForeignFiles(inspection, survey), ...opened.findings);
  if (opened.format === undefined) {
    const isExplained = opened.findings.length > 0;
    if (!isExplained) {
      incomplete.push({ check: "contents", reason: "no password was given" });
    }
    return report({ options, now, findings, incomplete, survey });
  }
  let examination: OpenExamination;
  try {
    examination = await openExamination({ options, survey, opened, incomplete });
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    incomplete.push({ check: "index", reason: error.message });
    return report({ options, now, findings, incomplete, survey });
  }
  try {
    await examine(examination, findings, {
      maxDataBytes: options.maxDataBytes ?? DEFAULT_MAX_DATA_BYTES,
      inspection,
    });
  } finally {
    await examination.repository.close();
  }
  return report({ options, now, findings, incomplete, survey, examination });
}

/** One walk serves all: listing may be slow. */
function lookAtFiles(directory: string | undefined): {
  readonly inspection?: DirectoryInspection;
  readonly files?: ReadonlyMap<BlobId, FoundFile>;
} {
  if (directory === undefined) return {};
  const files = new Map<BlobId, FoundFile>();
  const onBlob = (blob: BlobMetadata, path: string): void =>
    void files.set(blob.id, { blob, path });
  return { inspection: inspectDirectory(directory, { isKnown: isKnownBlobId, onBlob }), files };
}

function* blobsOf(files: ReadonlyMap<BlobId, FoundFile>): Generator<BlobMetadata> {
  for (const { blob } of files.values()) yield blob;
}

/** A directory of something else is not a damaged repository. */
function assertIsRepository({ storage }: DoctorOptions, survey: BlobSurvey): void {
  if (survey.namedBlobs.length + survey.packs.size + survey.indexBlobs.length > 0) return;
  throw new KopiaError(
    "REPOSITORY_NOT_FOUND",
    `${storage.displayName} holds no repository: there are no blobs of one`,
    { details: { storage: storage.displayName } },
  );
}

async function openExamination(input: {
  readonly options: DoctorOptions;
  readonly survey: BlobSurvey;
  readonly opened: OpenedForExamination;
  readonly incomplete: Examination["incomplete"];
}): Promise<Examination & { snapshotCount: number; repairs: Set<string> }> {
  const { options, survey, opened, incomplete } = input;
  const { format, storage, upgradeOwnerId } = opened;
  if (format === undefined) throw new TypeError("the format has not been opened");
  const { clock = systemClock, random = systemRandom } = options;
  const damagedIndexBlobs = new Map<string, string>();
  const repairs = new Set<string>();
  const client = options.client ?? { username: "", hostname: "" };
  const repository = await openRepository(storage, {
    password: options.password ?? "",
    format,
    client: { ...client, readOnly: true, description: "" },
    clock,
    random,
    ignoreMalformedManifests: true,
    onUnreadableIndex: (blobId, error) => damagedIndexBlobs.set(blobId, error.message),
    onRepair: ({ hash }) => repairs.add(hash),
    ...(upgradeOwnerId !== undefined && { upgradeOwnerId }),
  });
  return {
    clock,
    random,
    signal: options.signal,
    onProgress: options.onProgress ?? (() => undefined),
    survey,
    storage,
    repository,
    crypto: {
      hash: await createHashFunction(format.content.hash, format.content.secret),
      encryptor: createContentEncryptor(format.content, random),
    },
    damagedIndexBlobs,
    incomplete,
    recoverable: { contentCount: 0, packs: new Set() },
    recoveredRepository: repository,
    packUse: new Map(),
    unreadable: new Map(),
    reading: { contentCount: 0, readCount: 0, readBytes: 0, isSample: false },
    snapshotCount: 0,
    repairs,
  };
}

type OpenExamination = Awaited<ReturnType<typeof openExamination>>;

async function examine(
  examination: OpenExamination,
  findings: Finding[],
  options: ReadingOptions & { readonly inspection: DirectoryInspection | undefined },
): Promise<void> {
  const attempt = async (check: string, run: () => Promise<readonly Finding[]>): Promise<void> => {
    try {
      findings.push(...(await run()));
    } catch (error) {
      examination.signal?.throwIfAborted();
      if (!isKopiaError(error)) throw error;
      examination.incomplete.push({ check, reason: errorMessage(error) });
    }
  };
  examination.onProgress("reading the index");
  examination.packUse = measurePacks(examination);
  await attempt("index blobs", () => checkIndexBlobs(examination));
  await attempt("index entries", () => checkIndexEntries(examination));
  await attempt("packs", () => Promise.resolve(checkPacks(examination)));
  await attempt("sessions", () => checkSessions(examination));
  await attempt("contents", () => checkContents(examination, options));
  await attempt("snapshots", async () => {
    const damage = await checkSnapshots(examination);
    examination.snapshotCount = damage.snapshotCount;
    mergeDamage(examination, findings, damage);
    return damage.findings;
  });
  await attempt("maintenance", () => checkMaintenance(examination));
  await attempt("retention", () => checkRetention(examination));
  if (examination.repairs.size > 0) {
    findings.push(
      finding("data-repaired", {
        summary: `${counted(examination.repairs.size, "piece")} of stored data`,
        details: { count: examination.repairs.size },
      }),
    );
  }
}

/** Tells each finding which snapshots it hits; trouble that only the snapshots show becomes a finding. */
function mergeDamage(
  examination: Examination,
  findings: Finding[],
  { affected }: SnapshotDamage,
): void {
  for (const [code, snapshots] of affected) {
    const position = findings.findIndex((known) => known.code === code);
    const known = findings[position];
    const fileCount = snapshots.reduce((sum, snapshot) => sum + snapshot.fileCount, 0);
    if (known !== undefined) {
      if (known.affected !== "all") findings[position] = { ...known, affected: snapshots };
    } else if (snapshots.some(({ isInvisible }) => !isInvisible)) {
      findings.push(
        finding(code, {
          summary: `${counted(fileCount, "file")} of ${counted(snapshots.length, "snapshot")}`,
          details: { recoverable: examination.recoverable.contentCount },
          affected: snapshots,
        }),
      );
    }
  }
}

function report(input: {
  readonly options: DoctorOptions;
  readonly now: TimeNs;
  readonly findings: readonly Finding[];
  readonly incomplete: DoctorReport["incomplete"];
  readonly survey?: BlobSurvey;
  readonly examination?: OpenExamination;
}): DoctorReport {
  const { options, now, findings, incomplete, survey, examination } = input;
  const sorted = findings.toSorted(
    (a, b) =>
      SEVERITIES.indexOf(FINDING_CODES[a.code].severity) -
      SEVERITIES.indexOf(FINDING_CODES[b.code].severity),
  );
  const hasProblem = sorted.some(({ severity }) => severity !== "note");
  const format = examination?.repository.format;
  return {
    verdict: incomplete.length > 0 ? "incomplete" : hasProblem ? "problems" : "healthy",
    examinedAt: now,
    storage: options.storage.displayName,
    ...(format !== undefined && { uniqueId: toHex(format.uniqueId) }),
    findings: sorted,
    incomplete,
    totals: {
      blobCount: survey?.blobCount ?? 0,
      blobBytes: survey?.totalBytes ?? 0,
      packCount: survey?.packs.size ?? 0,
      snapshotCount: examination?.snapshotCount ?? 0,
      contentCount: examination?.reading.contentCount ?? 0,
      readContentCount: examination?.reading.readCount ?? 0,
      readBytes: examination?.reading.readBytes ?? 0,
      isSample: examination?.reading.isSample ?? false,
    },
  };
}
