import { cpSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { loadFixture, parseExactJson } from "@kopia-engine/test-fixtures";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createWorkplace, type Workplace } from "./run-kopia.ts";

describe("doctor", () => {
  let place: Workplace;
  let repository: string;

  beforeAll(async () => {
    place = createWorkplace();
    repository = join(place.path, "repo");
    await place.ok("repository", "create", "filesystem", "--path", repository);
    const source = join(import.meta.dirname, "..", "src", "output");
    await place.ok("snapshot", "create", source);
    await place.ok("snapshot", "create", join(import.meta.dirname, "..", "src", "parser"));
  });

  afterAll(() => place[Symbol.dispose]());

  test("a healthy repository: exit 0, whether connected or named by its path", async () => {
    for (const argv of [["doctor"], ["doctor", repository], ["doctor", repository, "--full"]]) {
      const { exitCode, stdout } = await place.run(argv);
      expect(stdout).toContain("The repository is healthy.");
      expect(exitCode).toBe(0);
    }
    const { stdout } = await place.ok("doctor", "--json");
    const report = parseExactJson(stdout) as Record<string, unknown>;
    expect(report["verdict"]).toBe("healthy");
    expect(report["findings"]).toEqual([]);
  });

  test("a damaged one that nobody can open: exit 1, the finding and the next step", async () => {
    const copy = join(place.path, "copy");
    cpSync(repository, copy, { recursive: true, preserveTimestamps: true });
    rmSync(join(copy, "kopia.repository.f"));
    const { exitCode, stdout, stderr } = await place.run(["doctor", copy]);
    expect(exitCode).toBe(1);
    expect(stdout).toContain("ERROR format-blob-missing");
    expect(stdout).toContain("Restore kopia.repository.f");
    expect(stderr).toContain("found 1 errors and 0 warnings");
  });

  test("packs that were emptied: which snapshot, which files", async () => {
    const copy = join(place.path, "no-pack");
    cpSync(repository, copy, { recursive: true, preserveTimestamps: true });
    const [shard] = readdirSync(join(copy, "p"));
    rmSync(join(copy, "p", String(shard)), { recursive: true });
    const { exitCode, stdout } = await place.run(["doctor", copy, "--json"]);
    expect(exitCode).toBe(1);
    const report = parseExactJson(stdout) as {
      readonly findings: readonly {
        readonly code: string;
        readonly affectedSnapshots: readonly { readonly examples: readonly string[] }[];
      }[];
    };
    const [first] = report.findings;
    expect(first?.code).toBe("pack-missing");
    expect(first?.affectedSnapshots).toHaveLength(1);
    expect(first?.affectedSnapshots[0]?.examples[0]).toMatch(/\.ts$/);
  });

  test("what is no repository, not there or without password: exit 2", async () => {
    expect((await place.run(["doctor", join(place.path, "nowhere")])).exitCode).toBe(2);
    expect((await place.run(["doctor", import.meta.dirname])).exitCode).toBe(2);
    const without = await place.run(["doctor", repository], { env: { KOPIA_PASSWORD: "" } });
    expect(without.exitCode).toBe(2);
    expect(without.stdout).toContain("NOT EXAMINED contents: no password was given");
  });
});

test("a repository that only a lock keeps closed is examined all the same", async () => {
  const fixture = loadFixture("damaged-index-flip");
  using unpacked = fixture.unpack();
  using place = createWorkplace({ KOPIA_PASSWORD: fixture.password });
  const { exitCode, stdout } = await place.run(["doctor", unpacked.path]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain("ERROR index-blob-damaged");
  expect(stdout).toContain("(not listed any more)");
});
