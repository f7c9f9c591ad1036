import { readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadFixture, parseExactJson } from "@kopia-engine/test-fixtures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

const DANGEROUS = "--dangerous-commands=enabled";

describe("repair and inspection", () => {
  let place: Workplace;
  let repository: string;

  beforeAll(async () => {
    place = createWorkplace();
    repository = join(place.path, "repo");
    await place.ok("repository", "create", "filesystem", "--path", repository);
    await place.ok("snapshot", "create", join(import.meta.dirname, "..", "src", "parser"));
    await place.ok("snapshot", "create", join(import.meta.dirname, "..", "src", "output"));
  });

  afterAll(() => place[Symbol.dispose]());

  test.each([
    ["content", "delete", "00"],
    ["content", "rewrite", "--short"],
    ["blob", "delete", "x"],
    ["blob", "gc"],
    ["index", "recover"],
    ["index", "optimize"],
    ["repository", "repair", "filesystem", "--path=/nowhere"],
  ])("%s %s is refused without --dangerous-commands", async (...argv) => {
    const { exitCode, stdout, stderr } = await place.run(argv);
    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("set --dangerous-commands=enabled");
  });

  test("contents and blobs are shown as they are, unzipped, decrypted", async () => {
    const ids = (await place.ok("content", "list")).stdout.trim().split("\n");
    const manifest = String(ids.find((id) => id.startsWith("m")));
    const { stdout } = await place.ok("content", "show", "-jz", manifest);
    expect(parseExactJson(stdout)).toMatchObject({ entries: expect.any(Array) as unknown });
    expect((await place.run(["content", "show", "-j", manifest])).stderr).toContain(
      "errors indenting JSON",
    );
    const missing = "deadbeefdeadbeefdeadbeefdeadbeef";
    expect((await place.run(["content", "show", missing])).stderr).toContain(
      `error getting content ${missing}: content not found`,
    );
    const format = await place.ok("blob", "show", "kopia.repository");
    expect(format.stdout).toBe(readFileSync(join(repository, "kopia.repository.f"), "utf8"));
    expect((await place.ok("session", "list")).stdout).toBe("");
  });

  test("index inspect shows every entry of the active index blobs", async () => {
    const { stdout } = await place.ok("index", "inspect", "--active");
    const inspected = new Set(
      stdout
        .trim()
        .split("\n")
        .map((line) => line.split(" ")[4]),
    );
    const listed = (await place.ok("content", "list", "--deleted")).stdout.trim().split("\n");
    expect(inspected).toEqual(new Set(listed));
  });

  test("remove-files shows first, and writes only with --commit", async () => {
    const argv = ["snapshot", "fix", "remove-files", "--filename=flag*.ts"];
    const list = async (): Promise<string> => (await place.ok("snapshot", "list", "--json")).stdout;
    const before = [await list(), readdirSync(repository, { recursive: true }).length];
    const dry = await place.ok(...argv);
    expect(dry.stderr).toContain("will remove file flag.ts");
    expect(dry.stderr).toContain("Fixed 1 snapshots, but snapshot manifests were not updated.");
    expect([await list(), readdirSync(repository, { recursive: true }).length]).toEqual(before);
    expect((await place.ok(...argv, "--commit")).stderr).toContain("Fixed and committed 1");
    expect(await list()).not.toBe(before[0]);
    expect((await place.ok(...argv, "--commit")).stderr).toContain("No changes.");
    await place.ok("snapshot", "verify", "--verify-files-percent=100");
  });

  test("index recover after the index was lost; doctor is content before and after", async () => {
    const away = join(place.path, "index");
    renameSync(join(repository, "x"), away);
    const lost = await place.run(["doctor"]);
    expect(lost.exitCode).toBe(1);
    expect(lost.stdout).toContain("ERROR index-missing");
    const counted = await place.ok(DANGEROUS, "index", "recover");
    expect(counted.stderr).toContain("but not committed. Re-run with --commit");
    expect((await place.run(["doctor"])).exitCode).toBe(1);
    const recovered = await place.ok(DANGEROUS, "index", "recover", "--commit");
    expect(recovered.stderr).toMatch(/Recovered \d+ contents from \d+\.\n/);
    await place.ok("snapshot", "verify", "--verify-files-percent=100");
    expect((await place.run(["doctor"])).exitCode).toBe(0);
  });

  test("blob gc keeps what is young unless safety is off", async () => {
    const ids = (await place.ok("content", "list", "--non-prefixed")).stdout.trim().split("\n");
    await place.ok(DANGEROUS, "content", "rewrite", "--safety=none", ...ids);
    const packs = (): number => readdirSync(join(repository, "p"), { recursive: true }).length;
    const before = packs();
    await place.ok(DANGEROUS, "blob", "gc", "--delete=yes");
    expect(packs()).toBe(before);
    const counted = await place.ok(DANGEROUS, "blob", "gc", "--safety=none");
    expect(counted.stderr).toContain("Pass --delete=yes to delete.");
    expect(packs()).toBe(before);
    await place.ok(DANGEROUS, "blob", "gc", "--safety=none", "--delete=yes");
    expect(packs()).toBeLessThan(before);
    await place.ok("snapshot", "verify", "--verify-files-percent=100");
  });

  test("shards modify moves everything, and back", async () => {
    const modify = ["blob", "shards", "modify", `--path=${repository}`];
    expect((await place.run(modify)).exitCode).toBe(1);
    const sure = [...modify, "--i-am-sure-kopia-is-not-running"];
    await place.ok(...sure, "--default-shards=flat");
    expect(readdirSync(repository, { withFileTypes: true }).some((e) => e.isDirectory())).toBe(
      false,
    );
    await place.ok("snapshot", "verify", "--verify-files-percent=100");
    await place.ok(...sure, "--default-shards=1,3");
    await place.ok("snapshot", "verify", "--verify-files-percent=100");
    expect((await place.run(["doctor"])).exitCode).toBe(0);
  });
});

test("files of a pack that is lost become stubs, and the snapshot can be verified again", async () => {
  const fixture = loadFixture("damaged-pack-missing");
  using unpacked = fixture.unpack();
  using place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
  await place.ok("repository", "connect", "filesystem", "--path", unpacked.path);
  expect((await place.run(["snapshot", "verify"])).exitCode).toBe(1);
  const fixed = await place.ok("snapshot", "fix", "invalid-files", "--commit");
  expect(fixed.stderr).toContain("removing invalid file big/big.bin due to: object Ix");
  expect(fixed.stderr).toContain("Fixed and committed 3 snapshots.");
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
  const { stdout } = await place.ok("snapshot", "list", "--all", "--json");
  const [first] = parseExactJson(stdout) as readonly { readonly rootEntry: { obj: string } }[];
  const stub = await place.ok("show", `${first?.rootEntry.obj}/big/.INVALID.big.bin`);
  expect(parseExactJson(stub.stdout)).toMatchObject({ entry: { name: "big.bin", type: "f" } });
});

test("an index blob that nobody can read: recovered around it, then deleted", async () => {
  const fixture = loadFixture("damaged-none");
  using unpacked = fixture.unpack();
  using place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
  await place.ok("repository", "connect", "filesystem", "--path", unpacked.path);
  const shard = join(unpacked.path, "x", "n0_");
  const [name = ""] = readdirSync(shard);
  const damaged = join(shard, name);
  const bytes = readFileSync(damaged);
  rmSync(damaged);
  writeFileSync(damaged, bytes.subarray(0, bytes.length - 1));
  expect((await place.run(["snapshot", "list"])).exitCode).toBe(1);
  await place.ok(DANGEROUS, "index", "recover", "--commit");
  await place.ok(DANGEROUS, "blob", "delete", `xn0_${name.slice(0, -2)}`);
  await place.ok("snapshot", "verify", "--verify-files-percent=100");
});
