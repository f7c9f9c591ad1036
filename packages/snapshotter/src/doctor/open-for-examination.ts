import {
  BLOB_CONFIG_ID,
  FORMAT_BLOB_ID,
  OverlayStorage,
  findFormatCopy,
  isKopiaError,
  loadRepositoryFormat,
  reloadRepositoryFormat,
  type BlobStorage,
  type Clock,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { finding, type Finding } from "./finding.ts";
import type { BlobSurvey } from "./survey-blobs.ts";

/** What the format blobs gave. */
export interface OpenedForExamination {
  readonly findings: readonly Finding[];
  /** `undefined`: contents cannot be looked at. */
  readonly format?: RepositoryFormat;
  /** The storage with what a repair would change, in memory. */
  readonly storage: BlobStorage;
  readonly upgradeOwnerId?: string;
}

/** Input of `openForExamination`. */
export interface OpenForExaminationInput {
  readonly storage: BlobStorage;
  readonly survey: BlobSurvey;
  readonly password: string | undefined;
  /** Of an earlier opening: its key is used instead of the password. */
  readonly format: RepositoryFormat | undefined;
  readonly clock: Clock;
}

/** Packs in which a copy of the format blob is looked for. */
const MAX_PACKS_SEARCHED = 16;

/**
 * Opens the format, going around what is damaged where that is possible: each obstacle is a finding, and is
 * then taken out of the way in memory.
 * @throws KopiaError storage errors.
 */
export async function openForExamination(
  input: OpenForExaminationInput,
): Promise<OpenedForExamination> {
  const { survey, password, format: known, clock } = input;
  const findings: Finding[] = [];
  const storage = new OverlayStorage(input.storage);
  let upgradeOwnerId: string | undefined;
  const triedCodes = new Set<string>();
  for (;;) {
    if (password === undefined && known === undefined) {
      if (!survey.namedBlobs.some(({ id }) => id === FORMAT_BLOB_ID)) {
        findings.push(await missingFormat(storage, survey));
      }
      return { findings, storage };
    }
    try {
      const options = { clock, ...(upgradeOwnerId !== undefined && { upgradeOwnerId }) };
      const format =
        known === undefined
          ? await loadRepositoryFormat(storage, password ?? "", options)
          : await reloadRepositoryFormat(storage, known, options);
      findings.push(...checkSettingsPresent(format, survey));
      return {
        findings,
        storage,
        format,
        ...(upgradeOwnerId !== undefined && { upgradeOwnerId }),
      };
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      const blobId = error.details["blobId"];
      const obstacle = `${error.code} ${typeof blobId === "string" ? blobId : ""}`;
      if (triedCodes.has(obstacle)) return { findings, storage };
      triedCodes.add(obstacle);
      const isSettings = blobId === BLOB_CONFIG_ID;
      switch (error.code) {
        case "REPOSITORY_NOT_FOUND":
          findings.push(await missingFormat(storage, survey));
          if (await usePackCopy(storage, survey)) continue;
          return { findings, storage };
        case "FORMAT_CORRUPT":
        case "JSON_INVALID":
          findings.push(
            finding(isSettings ? "format-settings-damaged" : "format-blob-damaged", {
              summary: error.message,
              affected: "all",
            }),
          );
          if (isSettings) await storage.delete(BLOB_CONFIG_ID);
          else if (!(await usePackCopy(storage, survey))) return { findings, storage };
          continue;
        case "REPOSITORY_UPGRADING":
          findings.push(finding("upgrade-lock", { summary: error.message, affected: "all" }));
          upgradeOwnerId = String(error.details["ownerId"] ?? "");
          continue;
        case "INVALID_PASSWORD":
          findings.push(finding("password-wrong", { summary: error.message }));
          return { findings, storage };
        case "FORMAT_UNSUPPORTED":
        case "ALGORITHM_UNKNOWN":
          findings.push(finding("format-unsupported", { summary: error.message, affected: "all" }));
          return { findings, storage };
        default:
          throw error;
      }
    }
  }
}

async function missingFormat(storage: BlobStorage, survey: BlobSurvey): Promise<Finding> {
  const hasCopy = (await findPackCopy(storage, survey)) !== undefined;
  return finding("format-blob-missing", {
    summary: hasCopy
      ? `${FORMAT_BLOB_ID} is missing; packs hold a copy of it, which repository repair puts back`
      : `${FORMAT_BLOB_ID} is missing, and the packs hold no copy of it: without one from elsewhere the data cannot be decrypted`,
    details: { packsHoldCopy: hasCopy },
    affected: "all",
  });
}

/** Old repositories carry a copy of the format blob in each pack (spec 1 §2.7). */
async function findPackCopy(
  storage: BlobStorage,
  survey: BlobSurvey,
): Promise<Uint8Array | undefined> {
  const packs = [...survey.packs]
    .slice(0, MAX_PACKS_SEARCHED)
    .map(([id, { lengthBytes, timestamp }]) => ({ id, lengthBytes, timestamp }));
  return (await findFormatCopy(storage, packs))?.formatBlob;
}

async function usePackCopy(storage: OverlayStorage, survey: BlobSurvey): Promise<boolean> {
  const copy = await findPackCopy(storage, survey);
  if (copy === undefined) return false;
  await storage.put(FORMAT_BLOB_ID, copy);
  return true;
}

/** Programs before 0.12 wrote no settings blob. */
const CREATED_WITHOUT_SETTINGS = /"buildVersion":\s*"v?0\.(?:[0-9]|1[01])\./;

function checkSettingsPresent(format: RepositoryFormat, survey: BlobSurvey): Finding[] {
  const isThere = survey.namedBlobs.some(({ id }) => id === BLOB_CONFIG_ID);
  if (isThere || format.formatBlob === undefined) return [];
  if (CREATED_WITHOUT_SETTINGS.test(new TextDecoder().decode(format.formatBlob))) return [];
  return [
    finding("format-settings-missing", {
      summary: `${BLOB_CONFIG_ID} is missing, and clients of the version that made this repository write it`,
    }),
  ];
}
