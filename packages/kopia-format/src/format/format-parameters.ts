import { KopiaError } from "../base/errors.ts";
import { REED_SOLOMON_CRC32 } from "../ecc/ecc-codec.ts";
import { ENCRYPTION_NAMES } from "../encryption/registry.ts";
import { HASH_NAMES } from "../hashing/registry.ts";
import { SPLITTER_NAMES } from "../splitter/registry.ts";
import type { ContentFormat, EpochParameters } from "./repository-format.ts";

/** Format versions that can be read and written; the last is that of new repositories (spec 1 §3.2). */
export const FORMAT_VERSIONS: readonly number[] = [1, 2, 3];
/** Format version of new repositories. */
export const DEFAULT_FORMAT_VERSION = 3;

const MIB = 2 ** 20;
const MINUTE_NS = 60e9;

/** Pack sizes (spec 1 §3.4, §14). */
export const PACK_SIZE_BYTES = { default: 20 * MIB, min: 10 * MIB, max: 120 * MIB } as const;

/** Epoch parameters of new repositories (spec 1 §3.3). */
export const DEFAULT_EPOCH_PARAMETERS: EpochParameters = {
  enabled: true,
  epochRefreshFrequencyNs: 20 * MINUTE_NS,
  fullCheckpointFrequency: 7,
  cleanupSafetyMarginNs: 240 * MINUTE_NS,
  minEpochDurationNs: 1440 * MINUTE_NS,
  epochAdvanceOnCountThreshold: 20,
  epochAdvanceOnTotalSizeBytesThreshold: 10 * MIB,
  deleteParallelism: 4,
};

/** Epoch parameters of repositories without epochs. */
export const NO_EPOCHS: EpochParameters = {
  enabled: false,
  epochRefreshFrequencyNs: 0,
  fullCheckpointFrequency: 0,
  cleanupSafetyMarginNs: 0,
  minEpochDurationNs: 0,
  epochAdvanceOnCountThreshold: 0,
  epochAdvanceOnTotalSizeBytesThreshold: 0,
  deleteParallelism: 0,
};

/** Error correction that this program can read and write. */
export const ECC_NAMES: readonly string[] = [REED_SOLOMON_CRC32];

/** What a format version fixes at creation, whatever else is asked for (spec 1 §3.2). */
export function parametersOfVersion(
  version: number,
): Pick<ContentFormat, "version" | "enablePasswordChange" | "indexVersion" | "epochParameters"> {
  if (!FORMAT_VERSIONS.includes(version)) {
    throw invalid("format version", version, FORMAT_VERSIONS.join(", "));
  }
  return version === 1
    ? { version, enablePasswordChange: false, indexVersion: 1, epochParameters: NO_EPOCHS }
    : {
        version,
        enablePasswordChange: true,
        indexVersion: 2,
        epochParameters: DEFAULT_EPOCH_PARAMETERS,
      };
}

/**
 * Checks the parameters that can be changed, when creating and when changing them; never when
 * opening (spec 1 §3.4).
 * @throws KopiaError `FORMAT_INVALID_PARAMETER`.
 */
export function validateMutableParameters(content: ContentFormat): void {
  const { maxPackSizeBytes, indexVersion, epochParameters: epochs } = content;
  checkRange("maxPackSize", maxPackSizeBytes, [PACK_SIZE_BYTES.min, PACK_SIZE_BYTES.max]);
  checkRange("indexVersion", indexVersion, [0, 2]);
  if (!epochs.enabled) return;
  const refreshNs = epochs.epochRefreshFrequencyNs;
  checkRange("epochRefreshFrequency", refreshNs, [1, Number.MAX_SAFE_INTEGER / 3]);
  checkRange("minEpochDuration", epochs.minEpochDurationNs, [
    Math.max(10 * MINUTE_NS, 3 * refreshNs),
    Number.MAX_SAFE_INTEGER,
  ]);
  checkRange("fullCheckpointFrequency", epochs.fullCheckpointFrequency, [1, 2 ** 31]);
  checkRange("cleanupSafetyMargin", epochs.cleanupSafetyMarginNs, [
    3 * refreshNs,
    Number.MAX_SAFE_INTEGER,
  ]);
  checkRange("epochAdvanceOnCountThreshold", epochs.epochAdvanceOnCountThreshold, [10, 2 ** 31]);
  checkRange(
    "epochAdvanceOnTotalSizeBytesThreshold",
    epochs.epochAdvanceOnTotalSizeBytesThreshold,
    [MIB, Number.MAX_SAFE_INTEGER],
  );
}

/**
 * Refuses algorithms that this program does not have.
 * @throws KopiaError `ALGORITHM_UNKNOWN`.
 */
export function checkAlgorithms(content: ContentFormat): void {
  checkName("hash", content.hash, HASH_NAMES);
  checkName("encryption", content.encryption, ENCRYPTION_NAMES);
  if (hasEcc(content)) checkName("error correction", content.ecc, ECC_NAMES);
}

/**
 * Refuses a splitter that this program does not have, when creating; readers do not need it.
 * @throws KopiaError `ALGORITHM_UNKNOWN`.
 */
export function checkSplitter(splitter: string): void {
  checkName("splitter", splitter, SPLITTER_NAMES);
}

/** Whether error correction is in use (spec 1 §4.4). */
export function hasEcc(content: ContentFormat): boolean {
  return content.ecc !== "" && content.eccOverheadPercent > 0;
}

function checkName(kind: string, name: string, known: readonly string[]): void {
  if (known.includes(name)) return;
  const list = known.length === 0 ? "none is available yet" : `known are ${known.join(", ")}`;
  throw new KopiaError(
    "ALGORITHM_UNKNOWN",
    `unknown ${kind} algorithm ${JSON.stringify(name)}; ${list}`,
    { details: { kind, algorithm: name } },
  );
}

function checkRange(name: string, value: number, [min, max]: readonly [number, number]): void {
  if (!(value >= min && value <= max)) throw invalid(name, value, `${min} to ${max}`);
}

function invalid(name: string, value: number, expected: string): KopiaError {
  return new KopiaError("FORMAT_INVALID_PARAMETER", `${name} is ${value}, expected ${expected}`, {
    details: { parameter: name, value },
  });
}
