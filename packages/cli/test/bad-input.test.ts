import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadFixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { createWorkplace, type RunResult } from "./run-kopia.ts";

const IDENTITY = ["--override-username=root", "--override-hostname=fixhost"];

/** Connects to a damaged repository, then runs a command line over it. */
async function overFixture(
  name: string,
  argv: readonly string[] = [],
): Promise<{ readonly connect: RunResult; readonly run: RunResult }> {
  const fixture = loadFixture(name);
  using repository = fixture.unpack();
  using place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
  const connect = await place.run([
    "repository",
    "connect",
    "filesystem",
    `--path=${repository.path}`,
    ...IDENTITY,
  ]);
  writeFileSync(join(place.path, "file"), "x");
  const run = argv.length === 0 ? connect : await place.run(argv);
  return { connect, run };
}

describe("connecting", () => {
  test("without a repository says what is there instead", async () => {
    using place = createWorkplace();
    const path = join(place.path, "somewhere");
    const connect = () => place.run(["repository", "connect", "filesystem", `--path=${path}`]);
    const missing = await connect();
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain(
      `can't connect to storage: cannot access storage path: stat ${path}: no such file or directory\n`,
    );
    mkdirSync(path);
    const empty = await connect();
    expect(empty.exitCode).toBe(1);
    expect(empty.stderr).toContain(
      "error connecting to repository: repository not initialized in the provided storage\n",
    );
    writeFileSync(join(path, "holiday.jpg"), "x");
    const foreign = await connect();
    expect(foreign.stderr).toContain("holiday.jpg");
    expect(foreign.stderr).toContain("(REPOSITORY_NOT_FOUND)");
  });

  test("with a relative path is refused", async () => {
    using place = createWorkplace();
    const result = await place.run(["repository", "connect", "filesystem", "--path=repo"]);
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain(
      "can't connect to storage: filesystem repository path must be absolute\n",
    );
  });

  test("with a wrong password leaves the earlier connection as it was", async () => {
    using place = createWorkplace();
    const path = `--path=${place.path}/repo`;
    await place.ok("repository", "create", "filesystem", path);
    const argv = ["repository", "connect", "filesystem", path, "--password=wrong"];
    const { exitCode, stderr } = await place.run(argv);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      "error connecting to repository: unable to create format manager: invalid repository password\n",
    );
    expect(stderr).toContain("what to do: Give the password of this repository.");
    expect(stderr).not.toContain("wrong");
    await place.ok("snapshot", "list");
  });

  test.each([
    ["damaged-format-truncated", "can't parse format blob: "],
    ["damaged-format-missing", "repository not initialized in the provided storage"],
    ["damaged-index-flip", "error loading indexes: "],
    ["damaged-index-truncated", "error loading indexes: "],
    ["damaged-index-zero-length", "error loading indexes: "],
  ])("to %s fails and names the blob", async (name, phrase) => {
    const { connect } = await overFixture(name);
    expect(connect.exitCode).toBe(1);
    expect(connect.stderr).toContain(phrase);
    const { damage } = loadFixture(name).record as { readonly damage?: { readonly blob?: string } };
    expect(connect.stderr).toContain(damage?.blob ?? "kopia.repository");
    expect(connect.stderr).toContain("what to do: ");
  });

  test.each(["damaged-format-flip", "damaged-blobcfg-flip"])("to %s fails", async (name) => {
    const { connect } = await overFixture(name);
    expect(connect.exitCode).toBe(1);
    expect(connect.stderr).toContain("error connecting to repository: ");
    expect(connect.stderr).toContain("what to do: ");
  });
});

describe("creating", () => {
  test("refuses what is there already, inside and around another repository", async () => {
    using place = createWorkplace();
    const create = (path: string) =>
      place.run(["repository", "create", "filesystem", `--path=${path}`]);
    expect((await create(`${place.path}/x/repo`)).exitCode).toBe(0);
    for (const [path, code] of [
      [`${place.path}/x/repo`, "REPOSITORY_EXISTS"],
      [`${place.path}/x/repo/inner`, "REPOSITORY_NESTED"],
      [`${place.path}/x`, "REPOSITORY_NESTED"],
    ] as const) {
      const { exitCode, stderr } = await create(path);
      expect(exitCode).toBe(1);
      expect(stderr).toContain("found existing data in storage location\n");
      expect(stderr).toContain(`(${code})`);
      expect(stderr).toContain(`${place.path}/x/repo`);
    }
  });

  test("without password and terminal says how to give one", async () => {
    using place = createWorkplace();
    const { exitCode, stderr } = await place.run(
      ["repository", "create", "filesystem", `--path=${place.path}/repo`],
      { env: { KOPIA_PASSWORD: "" } },
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain("getting password: ");
    expect(stderr).toContain("set KOPIA_PASSWORD or give --password");
  });
});

describe("a repository that lost its indexes", () => {
  test.each([
    [["snapshot", "create", "file"]],
    [["policy", "set", "--global", "--keep-latest=3"]],
    [["snapshot", "verify"]],
    [["content", "verify"]],
  ])("%j is refused", async (argv) => {
    const { run } = await overFixture("damaged-index-all-missing", argv);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("(REPOSITORY_INDEX_MISSING)");
  });
});

describe("damaged packs", () => {
  test.each([
    ["damaged-pack-missing", "contentsInMissingPacks", 0],
    ["damaged-pack-truncated", "contentsInTruncatedPacks", 0],
    ["damaged-pack-zero-length", "contentsInTruncatedPacks", 0],
    ["damaged-pack-flip-content", "unreadableContents", 100],
  ])("content verify finds %s", async (name, counter, percent) => {
    const argv = ["content", "verify", `--download-percent=${percent}`];
    const { run } = await overFixture(name, argv);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toMatch(new RegExp(`"${counter}":[1-9]`));
    expect(run.stderr).toContain("the repository is corrupted");
  });

  test.each(["damaged-pack-missing", "damaged-pack-flip-content", "damaged-index-missing"])(
    "snapshot verify finds %s and goes on where it is told to",
    async (name) => {
      const argv = [
        "snapshot",
        "verify",
        "--verify-files-percent=100",
        "--max-errors=-1",
        "--json",
      ];
      const { run } = await overFixture(name, argv);
      expect(run.exitCode).toBe(1);
      const { errorCount, errorStrings } = JSON.parse(run.stdout) as {
        readonly errorCount: number;
        readonly errorStrings: readonly string[];
      };
      expect(errorCount).toBeGreaterThan(0);
      expect(errorStrings).toHaveLength(errorCount);
    },
  );

  test("a manifest that cannot be read is an error, not an empty list", async () => {
    const { run } = await overFixture("damaged-manifest-content-flip", [
      "snapshot",
      "list",
      "--all",
    ]);
    expect(run.exitCode).toBe(1);
    expect(run.stderr).toContain("what to do: ");
  });
});

test("nothing that Kopia has and this program has not passes silently", async () => {
  using place = createWorkplace();
  for (const argv of [
    ["mount", "x"],
    ["repository", "connect", "s3"],
  ]) {
    const { exitCode, stderr } = await place.run(argv);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `kopia ${argv
        .slice(0, 3)
        .filter((word) => word !== "x")
        .join(" ")} is not available`,
    );
  }
  const flag = await place.run(["benchmark", "compression", "--by-alloc", "--data-file=x"]);
  expect(flag).toMatchObject({ exitCode: 1 });
  expect(flag.stderr).toContain("flag --by-alloc is not available in this program yet");
  const archive = await place.run(["snapshot", "list"]);
  expect(archive.stderr).toContain(
    "open repository: repository is not connected. See https://kopia.io/docs/repositories/\n",
  );
});

test("a connection file that is no JSON is told as such", async () => {
  using place = createWorkplace();
  writeFileSync(join(place.path, "repository.config"), "{");
  const { exitCode, stderr } = await place.run(["snapshot", "list"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("error decoding config json: ");
  expect(stderr).toContain("(CONFIG_CORRUPT)");
});

test("storage that is gone is told as such, and nothing is created in its place", async () => {
  using place = createWorkplace();
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`);
  copyFileSync(join(place.path, "repository.config"), join(place.path, "saved"));
  rmSync(join(place.path, "repo"), { recursive: true });
  const { exitCode, stderr } = await place.run(["snapshot", "create", "saved"]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(
    `open repository: unable to open repository: cannot open storage: cannot access storage path: stat ${place.path}/repo: no such file or directory\n`,
  );
  expect(readdirSync(place.path)).not.toContain("repo");
});
