import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

const KOPIA = process.env["KOPIA_EXE"] ?? "";
const LZ4 = 0x1400;

interface ListedContent {
  readonly contentID: string;
  readonly compression?: number;
}

/** A repository whose policy says `lz4`, and a snapshot of compressible files. */
async function snapshotWithLz4(env: Readonly<Record<string, string>>): Promise<Workplace> {
  const place = createWorkplace();
  await place.ok("repository", "create", "filesystem", `--path=${place.path}/repo`);
  await place.ok("policy", "set", "--global", "--compression=lz4");
  const source = join(place.path, "source");
  mkdirSync(source);
  for (let i = 0; i < 3; i++)
    writeFileSync(join(source, `${i}.txt`), `the same line number ${i}\n`.repeat(9000));
  const created = await place.run(["snapshot", "create", source], { env });
  expect(created.exitCode, created.stderr).toBe(0);
  return place;
}

async function compressionOfFiles(place: Workplace): Promise<number[]> {
  const { stdout } = await place.ok("content", "list", "--json");
  const contents = JSON.parse(stdout) as ListedContent[];
  return contents
    .filter(({ contentID }) => /^[0-9a-f]/.test(contentID))
    .map(({ compression }) => compression ?? 0);
}

function verifyWithKopia(place: Workplace): ReturnType<typeof spawnSync> {
  const env = {
    HOME: place.path,
    KOPIA_PASSWORD: "test-password",
    KOPIA_CONFIG_PATH: join(place.path, "real.config"),
    KOPIA_CACHE_DIRECTORY: join(place.path, "real-cache"),
    KOPIA_LOG_DIR: join(place.path, "real-logs"),
    KOPIA_CHECK_FOR_UPDATES: "false",
  };
  const connect = ["repository", "connect", "filesystem", `--path=${place.path}/repo`];
  expect(spawnSync(KOPIA, connect, { env }).status).toBe(0);
  return spawnSync(KOPIA, ["snapshot", "verify", "--verify-files-percent=100"], { env });
}

test("a policy that says lz4 stores uncompressed, unless lz4 is asked for explicitly", async () => {
  using careful = await snapshotWithLz4({});
  expect(await compressionOfFiles(careful)).toEqual([0, 0, 0]);
  using explicit = await snapshotWithLz4({ KOPIA_ENGINE_WRITE_LZ4: "1" });
  expect(await compressionOfFiles(explicit)).toEqual([LZ4, LZ4, LZ4]);
  await explicit.ok("snapshot", "verify", "--verify-files-percent=100");
  using switchedOff = await snapshotWithLz4({ KOPIA_ENGINE_WRITE_LZ4: "false" });
  expect(await compressionOfFiles(switchedOff)).toEqual([0, 0, 0]);
});

test.skipIf(KOPIA === "")(
  "the real program reads what is written by default, and not what was asked for (needs KOPIA_EXE)",
  { timeout: 60_000 },
  async () => {
    using careful = await snapshotWithLz4({});
    expect(verifyWithKopia(careful).status).toBe(0);
    using explicit = await snapshotWithLz4({ KOPIA_ENGINE_WRITE_LZ4: "1" });
    expect(verifyWithKopia(explicit).status).not.toBe(0);
  },
);
