import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseExactJson } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { IDENTITY, KOPIA, runReal } from "./real-kopia.ts";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const OTHER = ["--override-username=root", "--override-hostname=other"];

/** A repository with two snapshots of one source, one of another, and policies. */
async function fillRepository(place: Workplace): Promise<{ config: string; sources: string[] }> {
  const sources = [join(place.path, "first"), join(place.path, "second")];
  const [first = "", second = ""] = sources;
  mkdirSync(join(first, "a/b"), { recursive: true });
  mkdirSync(join(first, "empty"));
  mkdirSync(second);
  writeFileSync(join(first, "text.txt"), "hello ".repeat(5000));
  writeFileSync(join(first, "a/ignored.tmp"), "x".repeat(100));
  writeFileSync(join(first, "a/b/deep"), "deep");
  writeFileSync(join(second, "zero"), "");
  symlinkSync("text.txt", join(first, "link"));
  const config = join(place.path, "from.config");
  const from = (...argv: string[]): Promise<RunResult> =>
    place.ok(`--config-file=${config}`, ...argv);
  mkdirSync(join(place.path, "from"));
  await from("repository", "create", "filesystem", "--path", join(place.path, "from"), ...IDENTITY);
  await from("snapshot", "create", first);
  writeFileSync(join(first, "a/b/new"), "new");
  await from("snapshot", "create", first, "--description=second one", "--tags=k:v");
  await from("snapshot", "create", second);
  await from("policy", "set", first, "--compression=zstd", "--add-ignore=*.tmp");
  await from("policy", "set", second, "--keep-latest=7");
  return { config, sources };
}

async function createTarget(place: Workplace): Promise<void> {
  const path = join(place.path, "to");
  mkdirSync(path);
  await place.ok("repository", "create", "filesystem", "--path", path, ...OTHER);
}

interface Listed {
  readonly source: { readonly path: string };
  readonly startTime: string;
  readonly endTime: string;
  readonly description: string;
  readonly tags?: unknown;
  readonly rootEntry: { readonly obj: string };
}

function listed({ stdout }: RunResult): readonly Listed[] {
  const all = parseExactJson(stdout) as readonly Listed[];
  return all.map(({ source, startTime, endTime, description, tags, rootEntry }) => ({
    source,
    startTime,
    endTime,
    description,
    tags,
    rootEntry,
  }));
}

const LIST = ["snapshot", "list", "--all", "--json"];

test("snapshots and policies are migrated once, and restore to the same trees", async () => {
  using place = createWorkplace();
  const { config, sources } = await fillRepository(place);
  await createTarget(place);
  const [first = "", second = ""] = sources;
  const from = ["snapshot", "migrate", `--source-config=${config}`];
  const nothing = await place.run(from);
  expect(nothing).toMatchObject({ exitCode: 1 });
  expect(nothing.stderr).toContain("must specify either --all or --sources");
  const missing = await place.run(["snapshot", "migrate", "--source-config=none", "--all"]);
  expect(missing.stderr).toContain("does not exist");

  await place.ok(...from, "--sources", `root@fixhost:${first}`, "--latest-only", "--no-policies");
  expect(listed(await place.run(LIST))).toHaveLength(1);
  expect((await place.run(["policy", "list"])).stdout).not.toContain(first);
  const run = await place.ok(...from, "--all");
  expect(run.stderr.match(/migrating snapshot of/g)).toHaveLength(2);
  expect(run.stderr.match(/already migrated/g)).toHaveLength(1);
  expect(run.stderr.match(/migrating policy for root@fixhost/g)).toHaveLength(2);
  const again = await place.ok(...from, "--all");
  expect(again.stderr.match(/already migrated/g)).toHaveLength(3);
  expect(again.stderr.match(/policy already set for root@fixhost/g)).toHaveLength(2);
  const forced = await place.ok(...from, "--all", "--overwrite-policies");
  expect(forced.stderr.match(/migrating policy for/g)).toHaveLength(3);

  const before = listed(await place.ok(`--config-file=${config}`, ...LIST));
  const after = listed(await place.ok(...LIST));
  const keep = ({ source, startTime, endTime, description }: Listed): unknown => [
    source,
    startTime,
    endTime,
    description,
  ];
  expect(after.map(keep)).toEqual(before.map(keep));
  expect(after.every(({ tags }) => tags === undefined)).toBe(true);
  const target = join(place.path, "restored");
  for (const [source, path] of [
    [first, join(target, "1")],
    [second, join(target, "2")],
  ] as const) {
    const root = after.findLast((snapshot) => snapshot.source.path === source)?.rootEntry.obj ?? "";
    await place.ok("restore", root, path);
    const difference = spawnSync("diff", ["-r", "--no-dereference", source, path]);
    expect(difference.stdout.toString()).toBe("");
  }
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
});

test("rules of today are applied to snapshots of yesterday; sources are migrated side by side", async () => {
  using place = createWorkplace();
  const { config, sources } = await fillRepository(place);
  await createTarget(place);
  const from = ["snapshot", "migrate", `--source-config=${config}`, "--all"];
  const run = await place.ok(...from, "--apply-ignore-rules", "--parallel=3");
  expect(run.stderr.match(/migrating snapshot of/g)).toHaveLength(3);
  const after = listed(await place.ok(...LIST));
  expect(after).toHaveLength(3);
  const root = after.findLast(({ source }) => source.path === sources[0])?.rootEntry.obj ?? "";
  const names = (await place.ok("ls", "-r", root)).stdout;
  expect(names).toContain("/a/b/new\n");
  expect(names).not.toContain("ignored.tmp");
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
});

describe.skipIf(KOPIA === "")("beside the real program (needs KOPIA_EXE)", () => {
  test.each([
    [["--all"]],
    [["--all", "--apply-ignore-rules"]],
    [["--all", "--apply-ignore-rules", "--parallel=2", "--latest-only"]],
  ])("the migrated trees have the same roots with %j", async (flags) => {
    using place = createWorkplace();
    const { config, sources } = await fillRepository(place);
    for (const [name, text] of [
      [".kopiaignore", "*.txt\n"],
      ["a/.kopiaignore", "b/deep\n"],
    ] as const)
      writeFileSync(join(sources[0] ?? "", name), text);
    mkdirSync(join(sources[0] ?? "", "cache"));
    writeFileSync(
      join(sources[0] ?? "", "cache/CACHEDIR.TAG"),
      "Signature: 8a477f597d28d172789f06886806bc55",
    );
    const kept = ["--ignore-cache-dirs=false", "--clear-dot-ignore", "--clear-ignore"];
    const inSource = (...argv: string[]) => place.ok(`--config-file=${config}`, ...argv);
    await inSource("policy", "set", sources[0] ?? "", ...kept);
    await inSource("snapshot", "create", sources[0] ?? "");
    const dot = ["--add-dot-ignore=.kopiaignore", "--ignore-cache-dirs=true", "--add-ignore=*.tmp"];
    await inSource("policy", "set", sources[0] ?? "", ...dot);
    await createTarget(place);
    const [to, copy] = [join(place.path, "to"), join(place.path, "copy")];
    cpSync(to, copy, { recursive: true });
    const from = ["snapshot", "migrate", `--source-config=${config}`, ...flags];
    await place.ok(...from);
    const ours = listed(await place.ok(...LIST));
    rmSync(to, { recursive: true });
    cpSync(copy, to, { recursive: true });
    const connect = ["repository", "connect", "filesystem", "--path", to, ...OTHER];
    for (const argv of [connect, from]) {
      const run = runReal(place, argv);
      expect(run.exitCode, run.stderr).toBe(0);
    }
    const theirs = listed(runReal(place, LIST));
    expect(theirs).toHaveLength(flags.length === 4 ? 2 : 4);
    expect(ours).toEqual(theirs);
  });
});
