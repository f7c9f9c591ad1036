import { cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { loadFixture, parseExactJson } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { IDENTITY, KOPIA, runReal } from "./real-kopia.ts";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const DANGEROUS = "--dangerous-commands=enabled";
const VERIFY = ["snapshot", "verify", "--verify-files-percent=100"];

/** Two copies of one recorded repository, one for each program. */
class Pair implements Disposable {
  readonly place: Workplace;
  readonly ours: string;
  readonly theirs: string;
  readonly #password: string;

  constructor(name: string, prepare: (path: string) => void = () => undefined) {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    prepare(unpacked.path);
    this.#password = fixture.password;
    this.place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
    this.ours = join(this.place.path, "ours");
    this.theirs = join(this.place.path, "theirs");
    for (const copy of [this.ours, this.theirs]) {
      cpSync(unpacked.path, copy, { recursive: true, preserveTimestamps: true });
    }
  }

  /** Our program on our copy. */
  mine(...argv: readonly string[]): Promise<RunResult> {
    return this.place.run(argv);
  }

  /** The real program on its copy. */
  real(...argv: readonly string[]): RunResult {
    return runReal(this.place, argv, { password: this.#password });
  }

  /** The real program on our copy. */
  judge(...argv: readonly string[]): RunResult {
    return runReal(this.place, argv, { password: this.#password, name: "judge" });
  }

  /** Our program on the copy of the real one. */
  judgeWithOurs(...argv: readonly string[]): Promise<RunResult> {
    const env = { KOPIA_CONFIG_PATH: join(this.place.path, "ours-on-theirs.config") };
    return this.place.run(argv, { env });
  }

  async connect(): Promise<void> {
    const connect = ["repository", "connect", "filesystem", ...IDENTITY];
    const results = [
      await this.mine(...connect, "--path", this.ours),
      this.real(...connect, "--path", this.theirs),
    ];
    expect(results.map(({ exitCode, stderr }) => [exitCode, exitCode === 0 ? "" : stderr])).toEqual(
      [
        [0, ""],
        [0, ""],
      ],
    );
  }

  connectJudges(): Promise<RunResult> {
    const connect = ["repository", "connect", "filesystem", ...IDENTITY];
    const { exitCode, stderr } = this.judge(...connect, "--path", this.ours);
    expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
    return this.judgeWithOurs(...connect, "--path", this.theirs);
  }

  [Symbol.dispose](): void {
    this.place[Symbol.dispose]();
  }
}

/** What both programs say, without what each adds of its own. */
function said({ exitCode, stdout, stderr }: RunResult): readonly unknown[] {
  const lines = stderr
    .split("\n")
    .filter((line) => !/^ {2}(?:cause|what to do): |estimating time remaining/.test(line))
    .filter(
      (line) =>
        !/are not in the index|nothing was written|^Processed |^pack .* is left out/.test(line),
    );
  return [exitCode, stdout, lines.join("\n")];
}

async function sameText(pair: Pair, ...argv: readonly string[]): Promise<void> {
  const words = ["--no-auto-maintenance", ...argv];
  expect(said(await pair.mine(...words)), argv.join(" ")).toEqual(said(pair.real(...words)));
}

async function snapshotsOf(run: Promise<RunResult> | RunResult): Promise<readonly unknown[]> {
  const { stdout } = await run;
  const items = parseExactJson(stdout) as readonly {
    readonly startTime: string;
    readonly rootEntry: unknown;
  }[];
  return items.map(({ startTime, rootEntry }) => ({ startTime, rootEntry }));
}

const LIST = ["snapshot", "list", "--all", "--json"];

describe.skipIf(KOPIA === "")("beside the real program (needs KOPIA_EXE)", () => {
  test("inspection prints the same", async () => {
    using pair = new Pair("fs-v0231-undelete");
    await pair.connect();
    const { stdout } = pair.real("content", "list", "--deleted");
    const ids = stdout.trim().split("\n");
    const manifest = ids.find((id) => id.startsWith("m")) ?? "";
    const directory = ids.find((id) => id.startsWith("k")) ?? "";
    const data = ids.find((id) => /^[0-9a-f]+$/.test(id)) ?? "";
    for (const argv of [
      ["content", "show", data],
      ["content", "show", directory, data],
      ["content", "show", "-j", directory],
      ["content", "show", "-jz", manifest],
      ["blob", "show", "kopia.repository"],
      ["blob", "show", "nosuch"],
      ["index", "inspect"],
      ["index", "inspect", "nosuch"],
      ["index", "inspect", "--active", `--content-id=${directory}`],
      ["session", "list"],
      ["content", "delete", data],
      ["content", "rewrite", "--short"],
      ["blob", "gc"],
      ["blob", "delete", "nosuch"],
      ["index", "recover"],
      ["index", "optimize"],
      [DANGEROUS, "blob", "delete", "nosuch"],
      [DANGEROUS, "blob", "gc"],
      [DANGEROUS, "index", "recover", "--blobs=nosuch", "--ignore-errors"],
      [DANGEROUS, "index", "recover", "--blobs=nosuch"],
      [DANGEROUS, "index", "recover"],
      [DANGEROUS, "content", "delete", "deadbeefdeadbeefdeadbeefdeadbeef"],
      [DANGEROUS, "content", "rewrite", "deadbeefdeadbeefdeadbeefdeadbeef", "--safety=none"],
      ["snapshot", "fix", "remove-files"],
      ["snapshot", "fix", "remove-files", "--filename=nothing-is-called-so"],
      ["snapshot", "fix", "remove-files", "--filename=x", "--manifest-id=deadbeef"],
      ["repository", "repair", "filesystem", "--path=/nowhere"],
      [DANGEROUS, "repository", "repair", "filesystem", `--path=${pair.theirs}`],
      [
        DANGEROUS,
        "repository",
        "repair",
        "filesystem",
        `--path=${pair.theirs}`,
        "--recover-format=no",
      ],
    ]) {
      await sameText(pair, ...argv);
    }
    const inspected = await pair.mine("index", "inspect", "--all");
    const sorted = (text: string): readonly string[] => text.split("\n").toSorted();
    expect(sorted(inspected.stdout)).toEqual(sorted(pair.real("index", "inspect", "--all").stdout));
  });

  test.each(["damaged-5371-range", "damaged-5371-single-epoch", "damaged-index-missing"])(
    "%s: the doctor names it, index recover brings it back, by either program",
    async (name) => {
      using pair = new Pair(name);
      await pair.connect();
      await pair.connectJudges();
      const doctor = await pair.mine("doctor");
      expect(doctor.stdout).toContain("ERROR index-entries-lost");
      expect(pair.judge(...VERIFY).exitCode).toBe(1);
      const recovered = await pair.mine(DANGEROUS, "index", "recover", "--commit");
      expect(recovered.exitCode).toBe(0);
      expect(recovered.stderr).toMatch(/\d+ of them were not in the index; wrote xn/);
      expect(pair.judge(...VERIFY)).toMatchObject({ exitCode: 0 });
      expect(pair.judge("content", "verify", "--full").exitCode).toBe(0);
      expect((await pair.mine("doctor")).stdout).not.toContain("index-entries-lost");
      const again = await pair.mine(DANGEROUS, "index", "recover", "--commit");
      expect(again.stderr).toContain("nothing was written");
      expect(pair.real(DANGEROUS, "index", "recover", "--commit").exitCode).toBe(0);
      expect((await pair.judgeWithOurs("doctor")).stdout).not.toContain("index-entries-lost");
      expect((await pair.judgeWithOurs(...VERIFY)).exitCode).toBe(0);
    },
  );

  test("index recover after all index blobs were deleted", async () => {
    using pair = new Pair("fs-v0231-default", (path) => {
      rmSync(join(path, "x"), { recursive: true });
    });
    await pair.connect();
    await pair.connectJudges();
    expect((await pair.mine("doctor")).stdout).toContain("ERROR index-missing");
    const recovered = await pair.mine(DANGEROUS, "index", "recover", "--commit", "--parallel=4");
    expect(recovered.exitCode).toBe(0);
    expect(pair.judge(...VERIFY)).toMatchObject({ exitCode: 0 });
    const fixture = loadFixture("fs-v0231-default");
    const ids = Object.keys(fixture.record.trees ?? {}).toSorted();
    const listed = parseExactJson(pair.judge(...LIST).stdout) as readonly { readonly id: string }[];
    expect(listed.map(({ id }) => id).toSorted()).toEqual(ids);
  });

  test("an index blob that is damaged: recovered around it, deleted, read by the real program", async () => {
    using pair = new Pair("damaged-none");
    await pair.connect();
    const shard = join(pair.ours, "x", "n0_");
    const largest = readdirSync(shard)
      .map((name) => join(shard, name))
      .toSorted((a, b) => statSync(b).size - statSync(a).size)[0];
    const file = String(largest);
    const blob = `xn0_${file.slice(shard.length + 1, -2)}`;
    truncateSync(file, 100);
    expect((await pair.mine("snapshot", "list")).stderr).toContain(blob);
    expect((await pair.mine("doctor")).stdout).toContain("ERROR index-blob-damaged");
    const recovered = await pair.mine(DANGEROUS, "index", "recover", "--commit");
    expect(recovered).toMatchObject({ exitCode: 0 });
    expect((await pair.mine(DANGEROUS, "blob", "delete", blob)).exitCode).toBe(0);
    expect((await pair.mine("doctor")).exitCode).toBe(0);
    await pair.connectJudges();
    expect(pair.judge(...VERIFY)).toMatchObject({ exitCode: 0 });
    expect(pair.judge("content", "verify", "--full")).toMatchObject({ exitCode: 0 });
  });

  test("repository repair puts the format blob back as the real program does", async () => {
    using pair = new Pair("damaged-format-missing-v1");
    const repair = [DANGEROUS, "repository", "repair", "filesystem"];
    const dry = await pair.mine(...repair, "-n", `--path=${pair.ours}`);
    expect(dry.exitCode).toBe(0);
    expect(readdirSync(pair.ours)).not.toContain("kopia.repository.f");
    expect((await pair.mine(...repair, `--path=${pair.ours}`)).exitCode).toBe(0);
    expect(pair.real(...repair, `--path=${pair.theirs}`).exitCode).toBe(0);
    const blob = (path: string): string => readFileSync(join(path, "kopia.repository.f"), "hex");
    expect(blob(pair.ours)).toBe(blob(pair.theirs));
    await pair.connectJudges();
    expect(pair.judge(...VERIFY)).toMatchObject({ exitCode: 0 });
  });

  test.each([
    ["damaged-pack-missing", ["invalid-files"]],
    ["damaged-pack-missing", ["invalid-files", "--invalid-file-handling=remove"]],
    ["damaged-pack-missing", ["invalid-files", "--invalid-file-handling=keep"]],
    [
      "damaged-pack-truncated",
      ["invalid-files", "--invalid-file-handling=remove", "--verify-files-percent=100"],
    ],
    [
      "damaged-pack-flip-content",
      ["invalid-files", "--verify-files-percent=100", "--invalid-file-handling=remove"],
    ],
    [
      "fs-v0231-default",
      ["remove-files", "--filename=*.txt", "--filename=d[^a]*", "--filename=s?c"],
    ],
    ["fs-v0231-multi-source", ["remove-files", "--filename=*[0-9].md"]],
  ])("%s: snapshot fix %j makes the trees that the real program makes", async (name, fix) => {
    using pair = new Pair(name);
    await pair.connect();
    const before = await snapshotsOf(pair.mine(...LIST));
    const files = readdirSync(pair.ours, { recursive: true }).map(String).toSorted();
    const dry = await pair.mine("snapshot", "fix", ...fix);
    expect(dry.exitCode).toBe(0);
    // Without --commit nothing is written at all; the real program leaves the new trees behind.
    expect(readdirSync(pair.ours, { recursive: true }).map(String).toSorted()).toEqual(files);
    expect(await snapshotsOf(pair.mine(...LIST))).toEqual(before);
    const fixing = ["--no-auto-maintenance", "snapshot", "fix", ...fix, "--commit"];
    const ours = await pair.mine(...fixing);
    const theirs = pair.real(...fixing);
    expect([ours.exitCode, theirs.exitCode]).toEqual([0, 0]);
    const fixed = await snapshotsOf(pair.mine(...LIST));
    expect(fixed).toEqual(await snapshotsOf(pair.real(...LIST)));
    const masked = (text: string): readonly string[] =>
      text
        .replaceAll(/(replaced manifest from [0-9a-f]+ to) [0-9a-f]+/g, "$1 NEW")
        .split("\n")
        .filter((line) => !/^(?:Processed|removing invalid|will remove)/.test(line));
    expect(masked(ours.stderr)).toEqual(masked(theirs.stderr));
    await pair.connectJudges();
    const isKept = fix.includes("--invalid-file-handling=keep");
    expect(pair.judge(...VERIFY).exitCode).toBe(isKept ? 1 : 0);
  });

  test("content rewrite, delete and undelete, blob gc: the real program finds all whole", async () => {
    using pair = new Pair("fs-v0231-default");
    await pair.connect();
    await pair.connectJudges();
    const { stdout } = await pair.mine("content", "list", "--non-prefixed");
    const ids = stdout.trim().split("\n").slice(0, 5);
    const checks = (): void => {
      expect(pair.judge("content", "verify", "--full")).toMatchObject({ exitCode: 0 });
      expect(pair.judge(...VERIFY)).toMatchObject({ exitCode: 0 });
    };
    expect((await pair.mine(DANGEROUS, "content", "rewrite", ...ids)).exitCode).toBe(0);
    checks();
    const short = ["content", "rewrite", "--short", "--safety=none"];
    expect((await pair.mine(DANGEROUS, ...short)).exitCode).toBe(0);
    checks();
    expect((await pair.mine(DANGEROUS, "content", "delete", ...ids)).exitCode).toBe(0);
    checks();
    const deleted = pair.judge("content", "list", "--deleted-only").stdout.trim().split("\n");
    expect(deleted).toEqual(expect.arrayContaining(ids));
    expect((await pair.mine("content", "undelete", ...ids)).exitCode).toBe(0);
    expect(pair.judge("content", "list", "--deleted-only").stdout).not.toContain(ids[0]);
    const gc = [DANGEROUS, "blob", "gc", "--safety=none"];
    expect((await pair.mine(...gc)).stderr).toContain("Pass --delete=yes to delete.");
    expect((await pair.mine(...gc, "--delete=yes")).exitCode).toBe(0);
    checks();
    expect((await pair.mine(...gc)).stderr).toBe("");
    expect(pair.judge(...gc).stderr).toBe("");
  });

  test.each([
    ["--default-shards=2,2"],
    ["--default-shards=flat", "--override=p=1,2", "--unsharded-length=10"],
    ["--default-shards=3,3", "--override=x=2"],
  ])("blob shards modify %s %s %s lays out as the real program does", async (...flags) => {
    using pair = new Pair("fs-v0231-shards-override");
    const argv = (path: string): readonly string[] => [
      "blob",
      "shards",
      "modify",
      `--path=${path}`,
      "--i-am-sure-kopia-is-not-running",
      ...flags,
    ];
    const dry = await pair.mine(...argv(pair.ours), "--dry-run");
    const theirDry = pair.real(...argv(pair.theirs), "--dry-run");
    const lines = (text: string, path: string): readonly string[] =>
      text.replaceAll(path, "REPO").split("\n").toSorted();
    expect(lines(dry.stdout, pair.ours)).toEqual(lines(theirDry.stdout, pair.theirs));
    expect(dry.stderr).toBe(theirDry.stderr);
    const ours = await pair.mine(...argv(pair.ours));
    const theirs = pair.real(...argv(pair.theirs));
    expect(lines(ours.stderr, pair.ours)).toEqual(lines(theirs.stderr, pair.theirs));
    const tree = (path: string): readonly string[] =>
      readdirSync(path, { recursive: true }).map(String).toSorted();
    expect(tree(pair.ours)).toEqual(tree(pair.theirs));
    expect(readFileSync(join(pair.ours, ".shards"), "utf8")).toBe(
      readFileSync(join(pair.theirs, ".shards"), "utf8"),
    );
    await pair.connectJudges();
    expect(pair.judge(...VERIFY)).toMatchObject({ exitCode: 0 });
  });
});
