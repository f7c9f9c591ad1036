import { expect, test } from "vitest";
import { testFormat } from "../../test/contents/contents.ts";
import { utf8Decode, utf8Encode } from "../base/bytes.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { decodeBlobConfig, encodeBlobConfig, validateBlobRetention } from "./blob-config.ts";
import {
  DEFAULT_EPOCH_PARAMETERS,
  parametersOfVersion,
  validateMutableParameters,
} from "./format-parameters.ts";
import type { ContentFormat, EpochParameters, UpgradeLock } from "./repository-format.ts";
import { checkRequiredFeatures } from "./required-features.ts";
import {
  checkUpgradeLock,
  isUpgradeLocked,
  newUpgradeLock,
  UPGRADE_LOCK_DEFAULTS,
  upgradeTime,
} from "./upgrade-lock.ts";

const MINUTE_NS = 60e9;
const invalidParameter = expect.objectContaining({ code: "FORMAT_INVALID_PARAMETER" });

test("the version decides what a new repository can do (spec 1 §3.2)", () => {
  expect(parametersOfVersion(1)).toMatchObject({ enablePasswordChange: false, indexVersion: 1 });
  expect(parametersOfVersion(1).epochParameters.enabled).toBe(false);
  for (const version of [2, 3]) {
    expect(parametersOfVersion(version)).toEqual({
      version,
      enablePasswordChange: true,
      indexVersion: 2,
      epochParameters: DEFAULT_EPOCH_PARAMETERS,
    });
  }
  for (const version of [0, 4, 1.5])
    expect(() => parametersOfVersion(version)).toThrow(invalidParameter);
});

test.each<[string, Partial<ContentFormat>, boolean]>([
  ["the defaults", {}, true],
  ["the smallest pack", { maxPackSizeBytes: 10 * 2 ** 20 }, true],
  ["a smaller pack", { maxPackSizeBytes: 10 * 2 ** 20 - 1 }, false],
  ["the largest pack", { maxPackSizeBytes: 120 * 2 ** 20 }, true],
  ["a larger pack", { maxPackSizeBytes: 120 * 2 ** 20 + 1 }, false],
  ["index version 3", { indexVersion: 3 }, false],
  ["short epochs", epochs({ minEpochDurationNs: 59 * MINUTE_NS }), false],
  ["epochs of three refreshes", epochs({ minEpochDurationNs: 60 * MINUTE_NS }), true],
  [
    "epochs below ten minutes",
    epochs({ minEpochDurationNs: 9 * MINUTE_NS, epochRefreshFrequencyNs: MINUTE_NS }),
    false,
  ],
  ["no checkpoints", epochs({ fullCheckpointFrequency: 0 }), false],
  ["a short margin", epochs({ cleanupSafetyMarginNs: 59 * MINUTE_NS }), false],
  ["few blobs", epochs({ epochAdvanceOnCountThreshold: 9 }), false],
  ["few bytes", epochs({ epochAdvanceOnTotalSizeBytesThreshold: 2 ** 20 - 1 }), false],
  ["no epochs at all", epochs({ enabled: false, minEpochDurationNs: 0 }), true],
  ["a value that is no number", { maxPackSizeBytes: Number.NaN }, false],
])("validation: %s", (_name, change, isValid) => {
  const validate = (): void => validateMutableParameters({ ...testFormat().content, ...change });
  if (isValid) expect(validate).not.toThrow();
  else expect(validate).toThrow(invalidParameter);
});

function epochs(change: Partial<EpochParameters>): Partial<ContentFormat> {
  return { epochParameters: { ...DEFAULT_EPOCH_PARAMETERS, ...change } };
}

const LOCK: UpgradeLock = {
  ownerId: "owner",
  creationTime: "2026-01-01T00:00:00Z",
  advanceNoticeDurationNs: 60 * MINUTE_NS,
  ioDrainTimeoutNs: 15 * MINUTE_NS,
  statusPollIntervalNs: 0,
  message: "",
  maxPermittedClockDriftNs: 5 * MINUTE_NS,
};
const CREATED = BigInt(Date.UTC(2026, 0, 1)) * 1_000_000n;
const minutes = (count: number): bigint => BigInt(count * MINUTE_NS);

test("an announced lock is in force one drain time (35 min) before its time", () => {
  expect(isUpgradeLocked(LOCK, CREATED + minutes(25) - 1n)).toBe(false);
  expect(isUpgradeLocked(LOCK, CREATED + minutes(25))).toBe(true);
  expect(upgradeTime(LOCK)).toBe(CREATED + minutes(60));
});

test("a lock without enough notice is in force at once, and its upgrade waits for the drain", () => {
  const lock = { ...LOCK, advanceNoticeDurationNs: 34 * MINUTE_NS };
  expect(isUpgradeLocked(lock, 0n)).toBe(true);
  expect(upgradeTime(lock)).toBe(CREATED + minutes(35));
});

test("only the owner passes a lock", () => {
  const now = CREATED + minutes(30);
  const upgrading = expect.objectContaining({ code: "REPOSITORY_UPGRADING" });
  expect(() => checkUpgradeLock(LOCK, now, undefined)).toThrow(upgrading);
  expect(() => checkUpgradeLock(LOCK, now, "other")).toThrow(upgrading);
  expect(() => checkUpgradeLock(LOCK, now, "owner")).not.toThrow();
  expect(() => checkUpgradeLock(LOCK, CREATED, undefined)).not.toThrow();
  expect(() => checkUpgradeLock(undefined, now, undefined)).not.toThrow();
});

test("features: known ones pass, unknown ones warn or refuse", () => {
  const warnings: string[] = [];
  const check = (feature: string, warn: boolean): void =>
    checkRequiredFeatures([{ feature, ifNotUnderstood: { warn, message: "because" } }], (message) =>
      warnings.push(message),
    );
  check("index-v1", false);
  check("index-v2", false);
  expect(warnings).toEqual([]);
  check("index-v9", true);
  expect(warnings).toEqual(['this repository uses the feature "index-v9"; because']);
  expect(() => check("index-v9", false)).toThrow(
    expect.objectContaining({ code: "FORMAT_UNSUPPORTED" }),
  );
});

test("retention settings", () => {
  const day = 24 * 3600e9;
  const settings = { retentionMode: "GOVERNANCE", retentionPeriodNs: day };
  expect(utf8Decode(encodeBlobConfig({}))).toBe("{}");
  expect(utf8Decode(encodeBlobConfig(settings))).toBe(
    '{"retentionMode":"GOVERNANCE","retentionPeriod":86400000000000}',
  );
  expect(decodeBlobConfig(encodeBlobConfig(settings))).toEqual(settings);
  expect(decodeBlobConfig(utf8Encode("{}"))).toEqual({});
  expect(() => validateBlobRetention(settings)).not.toThrow();
  for (const bad of [
    { retentionMode: "GOVERNANCE" },
    { retentionPeriodNs: day },
    { retentionMode: "OTHER", retentionPeriodNs: day },
    { retentionMode: "COMPLIANCE", retentionPeriodNs: day - 1 },
  ]) {
    expect(() => validateBlobRetention(bad)).toThrow(invalidParameter);
  }
});

test("base64 is the padded standard alphabet and nothing else", () => {
  for (const lengthBytes of [0, 1, 2, 3, 31, 32]) {
    const bytes = Uint8Array.from({ length: lengthBytes }, (_, i) => 255 - i * 7);
    expect(decodeBase64(encodeBase64(bytes))).toEqual(bytes);
  }
  expect(encodeBase64(Uint8Array.from([0xfb, 0xff]))).toBe("+/8=");
  for (const bad of ["-_8=", "+/8", "+/8==", "+=8=", " +/8=", "A"]) {
    expect(decodeBase64(bad)).toBeUndefined();
  }
});

test("a refusal of a feature repeats what the repository says about it", () => {
  const ifNotUnderstood = { warn: false, message: "m", url: "u", upgradeToVersion: "9" };
  expect(() => checkRequiredFeatures([{ feature: "f", ifNotUnderstood }], () => undefined)).toThrow(
    'this repository uses the feature "f"; m; see u; needs version 9',
  );
});

test.each([
  [{ ownerId: "" }, /owner-id/],
  [{ ioDrainTimeoutNs: 0 }, /io-drain-timeout is required/],
  [{ statusPollIntervalNs: 901e9 }, /status-poll-interval/],
  [{ maxPermittedClockDriftNs: 0 }, /max-permitted-clock-drift/],
])("an upgrade lock with %j is refused", (change, message) => {
  const request = { ownerId: "me", fromVersion: 1, ...UPGRADE_LOCK_DEFAULTS };
  const lock = newUpgradeLock(request, 0n);
  expect(lock.message).toBe("Upgrading from format version 1 -> 3");
  expect(() => newUpgradeLock({ ...request, ...change }, 0n)).toThrow(invalidParameter);
  expect(() => newUpgradeLock({ ...request, ...change }, 0n)).toThrow(message);
});

test("a lock without owner and message is named as such", () => {
  const request = { ownerId: "me", fromVersion: 1, ...UPGRADE_LOCK_DEFAULTS };
  const lock = { ...newUpgradeLock(request, 0n), ownerId: "", message: "" };
  expect(() => checkUpgradeLock(lock, 0n, "me")).toThrow(
    /by an unnamed owner since 1970-01-01T00:00:00Z$/,
  );
});
