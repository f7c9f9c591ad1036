import { utf8Encode, type Bytes } from "../base/bytes.ts";
import { goStringify } from "../base/go-json.ts";
import { parseGoTime } from "../base/go-time.ts";
import { asObject } from "../base/json-fields.ts";
import type { JsonInput, JsonObject, JsonValue } from "../base/json-value.ts";
import { encodeBase64 } from "./base64.ts";
import { NO_EPOCHS, PACK_SIZE_BYTES } from "./format-parameters.ts";
import { FieldReader, decodeJsonDocument } from "./json-document.ts";
import type {
  ContentFormat,
  EpochParameters,
  RequiredFeature,
  UpgradeLock,
} from "./repository-format.ts";

const WHERE = "the encrypted part of kopia.repository";

/** Field names in the order Kopia writes them (spec 1 §2.3). */
const CONTENT_FIELDS: ReadonlySet<string> = new Set([
  "hash",
  "encryption",
  "ecc",
  "eccOverheadPercent",
  "secret",
  "masterKey",
  "version",
  "maxPackSize",
  "indexVersion",
  "epochParameters",
  "enablePasswordChange",
  "splitter",
  "upgradeLock",
  "requiredFeatures",
]);

/** A decoded content format, and its document for rewriting. */
export interface DecodedContentFormat {
  readonly content: ContentFormat;
  /** The whole document: members that this program does not know are kept when it is written again. */
  readonly source: JsonObject;
}

/**
 * Decodes the plaintext of the encrypted part (spec 1 §2.3); legacy defaults are applied.
 * @throws KopiaError `FORMAT_CORRUPT`.
 */
export function decodeContentFormat(plaintext: Uint8Array): DecodedContentFormat {
  return decodeJsonDocument(
    plaintext,
    { where: WHERE, corruptCode: "FORMAT_CORRUPT" },
    (document) => {
      const fields = document.child("format") ?? new FieldReader({}, `${WHERE}.format`);
      return { content: contentOf(fields), source: document.object };
    },
  );
}

/**
 * Plaintext of the encrypted part.
 * @param source document whose unknown members are kept.
 */
export function encodeContentFormat(content: ContentFormat, source: JsonObject = {}): Bytes {
  const document = new FieldReader(source, WHERE);
  const unknown = document.child("format")?.unknownFields(CONTENT_FIELDS) ?? {};
  const { upgradeLock, requiredFeatures } = content;
  const format = {
    hash: content.hash || undefined,
    encryption: content.encryption || undefined,
    ecc: content.ecc || undefined,
    eccOverheadPercent: content.eccOverheadPercent || undefined,
    secret: encodeBase64(content.secret) || undefined,
    masterKey: encodeBase64(content.masterKey) || undefined,
    version: content.version || undefined,
    maxPackSize: content.maxPackSizeBytes || undefined,
    indexVersion: content.indexVersion || undefined,
    epochParameters: epochParametersJson(content.epochParameters),
    enablePasswordChange: content.enablePasswordChange,
    splitter: content.splitter || undefined,
    upgradeLock: upgradeLock === undefined ? undefined : upgradeLockJson(upgradeLock),
    requiredFeatures: requiredFeatures.length === 0 ? undefined : requiredFeatures.map(featureJson),
    ...unknown,
  };
  return utf8Encode(goStringify({ format, ...document.unknownFields(new Set(["format"])) }));
}

function contentOf(fields: FieldReader): ContentFormat {
  const lock = fields.child("upgradeLock");
  return {
    hash: fields.string("hash"),
    encryption: fields.string("encryption"),
    ecc: fields.string("ecc"),
    eccOverheadPercent: fields.integer("eccOverheadPercent"),
    secret: fields.bytes("secret"),
    masterKey: fields.bytes("masterKey"),
    version: fields.integer("version"),
    // Legacy blobs leave these out (spec 1 §3.2).
    maxPackSizeBytes: fields.integer("maxPackSize") || PACK_SIZE_BYTES.default,
    indexVersion: fields.integer("indexVersion") || 1,
    epochParameters: epochParametersOf(fields.child("epochParameters")),
    enablePasswordChange: fields.boolean("enablePasswordChange"),
    splitter: fields.string("splitter"),
    ...(lock === undefined ? {} : { upgradeLock: upgradeLockOf(lock) }),
    requiredFeatures: fields.array("requiredFeatures").map(featureOf),
  };
}

function epochParametersOf(fields: FieldReader | undefined): EpochParameters {
  if (fields === undefined) return NO_EPOCHS;
  return {
    enabled: fields.boolean("Enabled"),
    epochRefreshFrequencyNs: fields.integer("EpochRefreshFrequency"),
    fullCheckpointFrequency: fields.integer("FullCheckpointFrequency"),
    cleanupSafetyMarginNs: fields.integer("CleanupSafetyMargin"),
    minEpochDurationNs: fields.integer("MinEpochDuration"),
    epochAdvanceOnCountThreshold: fields.integer("EpochAdvanceOnCountThreshold"),
    epochAdvanceOnTotalSizeBytesThreshold: fields.integer("EpochAdvanceOnTotalSizeBytesThreshold"),
    deleteParallelism: fields.integer("DeleteParallelism"),
  };
}

function epochParametersJson(epochs: EpochParameters): JsonInput {
  return {
    Enabled: epochs.enabled,
    EpochRefreshFrequency: epochs.epochRefreshFrequencyNs,
    FullCheckpointFrequency: epochs.fullCheckpointFrequency,
    CleanupSafetyMargin: epochs.cleanupSafetyMarginNs,
    MinEpochDuration: epochs.minEpochDurationNs,
    EpochAdvanceOnCountThreshold: epochs.epochAdvanceOnCountThreshold,
    EpochAdvanceOnTotalSizeBytesThreshold: epochs.epochAdvanceOnTotalSizeBytesThreshold,
    DeleteParallelism: epochs.deleteParallelism,
  };
}

function upgradeLockOf(fields: FieldReader): UpgradeLock {
  const creationTime = fields.string("creationTime");
  // Checked here, so that a lock that was decoded can always be judged.
  parseGoTime(creationTime, `${WHERE}.format.upgradeLock.creationTime`);
  return {
    ownerId: fields.string("ownerID"),
    creationTime,
    advanceNoticeDurationNs: fields.integer("advanceNoticeDuration"),
    ioDrainTimeoutNs: fields.integer("ioDrainTimeout"),
    statusPollIntervalNs: fields.integer("statusPollInterval"),
    message: fields.string("message"),
    maxPermittedClockDriftNs: fields.integer("maxPermittedClockDrift"),
  };
}

function upgradeLockJson(lock: UpgradeLock): JsonInput {
  return {
    ownerID: lock.ownerId || undefined,
    creationTime: lock.creationTime,
    advanceNoticeDuration: lock.advanceNoticeDurationNs || undefined,
    ioDrainTimeout: lock.ioDrainTimeoutNs || undefined,
    statusPollInterval: lock.statusPollIntervalNs || undefined,
    message: lock.message || undefined,
    maxPermittedClockDrift: lock.maxPermittedClockDriftNs || undefined,
  };
}

function featureOf(value: JsonValue): RequiredFeature {
  const fields = new FieldReader(
    asObject(value, `${WHERE}.requiredFeatures`),
    `${WHERE}.requiredFeatures`,
  );
  const behaviour = fields.child("ifNotUnderstood");
  const text = (name: string): Record<string, string> => {
    const found = behaviour?.string(name) ?? "";
    return found === "" ? {} : { [name]: found };
  };
  return {
    feature: fields.string("feature"),
    ifNotUnderstood: {
      warn: behaviour?.boolean("warn") ?? false,
      ...text("message"),
      ...text("url"),
      ...text("upgradeToVersion"),
    },
  };
}

function featureJson(required: RequiredFeature): JsonInput {
  const { warn, message, url, upgradeToVersion } = required.ifNotUnderstood;
  return { feature: required.feature, ifNotUnderstood: { warn, message, url, upgradeToVersion } };
}
