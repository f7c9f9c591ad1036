import { describe, expect, test } from "vitest";
import { isKopiaError } from "@kopia-engine/kopia-format";
import { type Environment, readMoverEnvironment } from "./environment.ts";

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
      { KOPIA_BEFORE_SNAPSHOT: "sync" },
      "NOT_IMPLEMENTED: KOPIA_BEFORE_SNAPSHOT is not supported yet",
    ],
  ])("%o", (change, message) => {
    expect(refusal({ ...JOB, ...change })).toBe(message);
  });
});
