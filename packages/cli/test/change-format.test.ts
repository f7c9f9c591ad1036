import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { createWorkplace } from "./run-kopia.ts";

const KOPIA = process.env["KOPIA_EXE"] ?? "";

interface Status {
  readonly contentFormat: {
    readonly maxPackSize: number;
    readonly indexVersion: number;
    readonly epochParameters: Readonly<Record<string, unknown>>;
  };
}

test("the password is changed, stored, and the old one is refused", async () => {
  using place = createWorkplace();
  const storage = ["filesystem", `--path=${place.path}/repo`];
  await place.ok("repository", "create", ...storage);
  const changed = await place.ok("repository", "change-password", "--new-password=other");
  expect(changed.stderr).toContain("NOTE: Repository password has been changed.");
  const old = await place.run(["repository", "status"]);
  expect(old.exitCode).toBe(1);
  expect(old.stderr).toContain("invalid repository password");
  // Without a password in the environment the stored one is used: it is the new one now.
  expect(
    (await place.run(["repository", "status"], { env: { KOPIA_PASSWORD: "" } })).exitCode,
  ).toBe(0);
  const again = await place.run(["repository", "connect", ...storage, "--password=other"]);
  expect(again.exitCode).toBe(0);
});

test("a repository of format version 1 keeps its password", async () => {
  using place = createWorkplace();
  const path = `--path=${place.path}/repo`;
  await place.ok("repository", "create", "filesystem", path, "--format-version=1");
  const result = await place.run(["repository", "change-password", "--new-password=other"]);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("password changes are not supported");
});

test("parameters are changed; what is out of range is refused", async () => {
  using place = createWorkplace();
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`);
  const change = (...flags: string[]) => place.run(["repository", "set-parameters", ...flags]);
  expect((await change()).stderr).toContain("no changes");
  for (const flag of ["--max-pack-size-mb=5", "--epoch-min-duration=5m", "--index-version=1"])
    expect((await change(flag)).exitCode, flag).toBe(1);
  const changed = await change(
    "--max-pack-size-mb=40",
    "--epoch-min-duration=25h",
    "--epoch-advance-on-count=30",
  );
  expect(changed.stderr).toContain(" - setting maximum pack size to 41.9 MB.");
  expect(changed.stderr).toContain(" - setting minimum epoch duration to 25h0m0s.");
  const { stdout } = await place.ok("repository", "status", "--json");
  const { contentFormat } = JSON.parse(stdout) as Status;
  expect(contentFormat.maxPackSize).toBe(40 * 2 ** 20);
  expect(contentFormat.epochParameters).toMatchObject({
    MinEpochDuration: 90_000_000_000_000,
    EpochAdvanceOnCountThreshold: 30,
  });
});

const FORMATS: readonly (readonly string[])[] = [
  ["--format-version=1", "--block-hash=HMAC-SHA3-224", "--object-splitter=FIXED-1M"],
  ["--format-version=2", "--ecc=REED-SOLOMON-CRC32", "--ecc-overhead-percent=5"],
  [
    "--format-version=3",
    "--block-hash=BLAKE3-256",
    "--encryption=CHACHA20-POLY1305-HMAC-SHA256",
    "--object-splitter=DYNAMIC-128K-RABINKARP",
    "--ecc-overhead-percent=50",
    "--format-block-key-derivation-algorithm=pbkdf2-sha256-600000",
    "--flat",
  ],
];

test.skipIf(KOPIA === "").each(FORMATS)(
  "the real program works with a repository created with %s … (needs KOPIA_EXE)",
  { timeout: 60_000 },
  async (...flags) => {
    using place = createWorkplace();
    const storage = ["filesystem", `--path=${place.path}/repo`];
    await place.ok("repository", "create", ...storage, ...flags);
    await place.ok("snapshot", "create", import.meta.dirname);
    await place.ok("repository", "set-parameters", "--max-pack-size-mb=30");
    const kopia = (...argv: string[]): string => {
      const run = spawnSync(KOPIA, argv, {
        encoding: "utf8",
        env: {
          HOME: place.path,
          KOPIA_PASSWORD: "test-password",
          KOPIA_CONFIG_PATH: `${place.path}/real.config`,
          KOPIA_CACHE_DIRECTORY: `${place.path}/real-cache`,
          KOPIA_CHECK_FOR_UPDATES: "false",
        },
      });
      expect(run.status, run.stderr).toBe(0);
      return run.stdout;
    };
    const flat = flags.includes("--flat") ? ["--flat"] : [];
    kopia("repository", "connect", ...storage, ...flat);
    const status = JSON.parse(kopia("repository", "status", "--json")) as Status;
    expect(status.contentFormat.maxPackSize).toBe(30 * 2 ** 20);
    kopia("snapshot", "create", import.meta.dirname);
    kopia("snapshot", "verify", "--verify-files-percent=100");
    kopia("content", "verify", "--full");
    await place.ok("snapshot", "verify", "--verify-files-percent=100");
    await place.ok("content", "verify", "--full");
    const listed = async (): Promise<unknown> =>
      JSON.parse((await place.ok("content", "list", "--json")).stdout);
    expect(await listed()).toEqual(JSON.parse(kopia("content", "list", "--json")));
  },
);
