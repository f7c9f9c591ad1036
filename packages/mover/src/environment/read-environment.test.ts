import { describe, expect, test } from "vitest";
import { isKopiaError } from "@kopia-engine/kopia-format";
import type { Environment } from "./environment.ts";
import { readMoverEnvironment } from "./read-environment.ts";

const JOB: Environment = {
  DATA_DIR: "/data",
  KOPIA_CACHE_DIR: "/cache",
  KOPIA_OVERRIDE_HOSTNAME: "default",
  KOPIA_OVERRIDE_USERNAME: "atuin-src",
  KOPIA_PASSWORD: "secret",
  KOPIA_REPOSITORY: "filesystem:///repository/repository",
};

function refusal(env: Environment): string {
  try {
    readMoverEnvironment(env, "backup");
  } catch (error) {
    if (isKopiaError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "accepted";
}

test("a VolSync Job's environment is read", () => {
  const read = readMoverEnvironment(
    { ...JOB, KOPIA_RETAIN_HOURLY: "24", KOPIA_RETAIN_YEARLY: "1", KOPIA_PARALLELISM: "2" },
    "backup",
  );
  expect(read).toMatchObject({
    dataDirectory: "/data",
    repositoryPath: "/repository/repository",
    sourcePath: "/data",
    userName: "atuin-src",
    hostname: "default",
    parallelism: 2,
    retention: { hourly: 24, annual: 1 },
  });
  expect("compression" in read).toBe(false);
  expect("latest" in read.retention).toBe(false);
});

test("a restore into /restore/data looks for /data, unless a path is given", () => {
  const restore = { ...JOB, DATA_DIR: "/restore/data" };
  expect(readMoverEnvironment(restore, "restore").sourcePath).toBe("/data");
  expect(
    readMoverEnvironment({ ...restore, KOPIA_SOURCE_PATH_OVERRIDE: "/config" }, "restore")
      .sourcePath,
  ).toBe("/config");
});

test("maintenance acts under its own identity", () => {
  expect(readMoverEnvironment(JOB, "maintenance")).toMatchObject({
    userName: "maintenance",
    hostname: "volsync",
  });
  const own = { ...JOB, KOPIA_OVERRIDE_MAINTENANCE_USERNAME: "keeper@cluster" };
  expect(readMoverEnvironment(own, "maintenance")).toMatchObject({
    userName: "keeper",
    hostname: "cluster",
  });
});

test("the manual config's algorithms, and its cache size for want of a limit", () => {
  const manual = {
    encryption: { algorithm: "AES256-GCM-HMAC-SHA256" },
    splitter: { algorithm: "FIXED-1M" },
    compression: { algorithm: "zstd" },
    caching: { maxCacheSize: 3_000_000 },
  };
  const read = readMoverEnvironment(
    { ...JOB, KOPIA_MANUAL_CONFIG: JSON.stringify(manual) },
    "backup",
  );
  expect(read.newRepository).toEqual({
    encryption: "AES256-GCM-HMAC-SHA256",
    splitter: "FIXED-1M",
  });
  expect(read.compression).toBe("zstd");
  expect(read.cache.contentMb).toBe(3);
});

test("the shrink guard: off, empty, a percentage", () => {
  const guard = (word: string) =>
    readMoverEnvironment({ ...JOB, KOPIA_SHRINK_GUARD: word }, "backup").shrinkGuard;
  expect(guard("")).toEqual({ maxLossPercent: 100, accept: false, exitCode: 3 });
  expect(guard("off")).toEqual({ accept: false, exitCode: 3 });
  expect(guard("30%")).toEqual({ maxLossPercent: 30, accept: false, exitCode: 3 });
});

describe("refusals name the variable", () => {
  test.each([
    [{ KOPIA_PASSWORD: undefined }, "MOVER_ENVIRONMENT: KOPIA_PASSWORD must be defined"],
    [{ DATA_DIR: "" }, "MOVER_ENVIRONMENT: DATA_DIR must be defined"],
    [
      { KOPIA_RETAIN_DAILY: "seven" },
      'MOVER_ENVIRONMENT: KOPIA_RETAIN_DAILY must be a whole number, not "seven"',
    ],
    [
      { KOPIA_REPOSITORY: "filesystem://relative" },
      'MOVER_ENVIRONMENT: KOPIA_REPOSITORY "filesystem://relative" must be absolute, with three slashes: filesystem:///path',
    ],
    [
      { KOPIA_REPOSITORY: "filesystem:///a/../b" },
      'MOVER_ENVIRONMENT: KOPIA_REPOSITORY "filesystem:///a/../b" must not contain ".."',
    ],
    [
      { KOPIA_REPOSITORY: "s3://bucket" },
      'NOT_IMPLEMENTED: KOPIA_REPOSITORY "s3:…": only filesystem:///path is supported yet',
    ],
    [
      { KOPIA_S3_BUCKET: "bucket", KOPIA_REPOSITORY: "" },
      "NOT_IMPLEMENTED: KOPIA_S3_BUCKET names a storage that this mover does not have; only a directory is supported: KOPIA_REPOSITORY=filesystem:///path",
    ],
    [
      { KOPIA_REPOSITORY: "" },
      "MOVER_ENVIRONMENT: No repository configuration found: KOPIA_REPOSITORY must be defined",
    ],
    [
      { KOPIA_SHRINK_GUARD: "half" },
      'MOVER_ENVIRONMENT: KOPIA_SHRINK_GUARD must be "off", "empty" or a percentage from 0 to 99, not "half"',
    ],
    [
      { KOPIA_TIMEOUT: "soon" },
      'MOVER_ENVIRONMENT: KOPIA_TIMEOUT must be a duration such as 90s or 2h30m, not "soon"',
    ],
    [
      { KOPIA_ADDITIONAL_ARGS: "--tags=a:b|VOLSYNC_ARG_SEP|--password=hidden" },
      'MOVER_ENVIRONMENT: KOPIA_ADDITIONAL_ARGS: "--password" is not allowed here',
    ],
    [
      { KOPIA_ADDITIONAL_ARGS: "value" },
      'MOVER_ENVIRONMENT: KOPIA_ADDITIONAL_ARGS: "value" is not a flag; write values as --flag=value',
    ],
    [{ KOPIA_MANUAL_CONFIG: "[]" }, "MOVER_ENVIRONMENT: KOPIA_MANUAL_CONFIG is not a JSON object"],
  ])("%o", (change, message) => {
    expect(refusal({ ...JOB, ...change })).toBe(message);
  });
});
