import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseExactJson } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { IDENTITY, KOPIA, runReal } from "./real-kopia.ts";
import { createWorkplace, type RunResult, type Workplace } from "./run-kopia.ts";

const PASSWORD = "test-password";
type Run = (...argv: readonly string[]) => Promise<RunResult>;

/** A repository with a snapshot of a tree, and both programs connected to it. */
async function connectBoth(
  place: Workplace,
): Promise<{ readonly ours: Run; readonly theirs: Run }> {
  const repository = join(place.path, "repository");
  const source = join(place.path, "source");
  mkdirSync(repository);
  mkdirSync(join(source, "a/b/c"), { recursive: true });
  mkdirSync(join(source, "closed"));
  writeFileSync(join(source, "file"), "hello\n");
  writeFileSync(join(source, "zero"), "");
  writeFileSync(join(source, "a/large <&> ü"), "x".repeat(50_000));
  writeFileSync(join(source, "a/b/c/deep"), "deep");
  chmodSync(join(source, "a/large <&> ü"), 0o4751);
  chmodSync(join(source, "closed"), 0o555);
  symlinkSync("file", join(source, "link"));
  const theirs: Run = (...argv) => Promise.resolve(runReal(place, argv, { password: PASSWORD }));
  const ours: Run = (...argv) => place.run([...argv]);
  const connect = ["filesystem", ...IDENTITY, "--path", repository];
  expect((await theirs("repository", "create", ...connect)).exitCode).toBe(0);
  expect((await ours("repository", "connect", ...connect)).exitCode).toBe(0);
  expect((await theirs("snapshot", "create", source)).exitCode).toBe(0);
  return { ours, theirs };
}

/** Everything in a tree that the two programs should agree on; links' times differ below microseconds. */
function describeTree(path: string): string {
  const format = ["%y %m %U %G %s %TY-%Tm-%TdT%TT %P\\n", "%y %m %U %G %P\\n"];
  const files = spawnSync("find", [path, "-type", "f", "-printf", format[0] as string]);
  const others = spawnSync("find", [path, "!", "-type", "f", "-printf", format[1] as string]);
  return `${files.stdout.toString()}${others.stdout.toString()}`.split("\n").toSorted().join("\n");
}

function rootOf({ stdout, stderr }: RunResult): string {
  const { rootEntry } = parseExactJson(stdout) as { readonly rootEntry?: { readonly obj: string } };
  return rootEntry?.obj ?? stderr;
}

describe.skipIf(KOPIA === "")("shallow restores beside the real program (needs KOPIA_EXE)", () => {
  test("write the same placeholders, and each expands those of the other", async () => {
    using place = createWorkplace({ KOPIA_PASSWORD: PASSWORD });
    const { ours, theirs } = await connectBoth(place);
    const source = join(place.path, "source");
    const flagSets = [["--shallow=0"], ["--shallow=1"], ["--shallow=1", "--shallow-minsize=100"]];
    for (const [number, flags] of flagSets.entries()) {
      const [mine, other] = [join(place.path, `m${number}`), join(place.path, `o${number}`)];
      const a = await ours("restore", ...flags, source, mine);
      const b = await theirs("restore", ...flags, source, other);
      expect(a.exitCode, a.stderr).toBe(0);
      expect(describeTree(mine), flags.join(" ")).toBe(describeTree(other));
      const summary = /Restored .*/;
      expect(a.stderr.match(summary)?.[0]).toBe(b.stderr.match(summary)?.[0]);
      expect(spawnSync("diff", ["-r", "--no-dereference", mine, other]).stdout.toString()).toBe("");
    }
    const [mine, other] = [join(place.path, "m0"), join(place.path, "o0")];
    expect(readFileSync(join(mine, "a.kopia-entry/.kopia-entry"), "utf8")).toContain('"summ":');
    for (const [path, run] of [
      [mine, theirs],
      [other, ours],
    ] as const) {
      for (const name of ["a", "closed", "file", "zero"]) {
        const result = await run("restore", join(path, `${name}.kopia-entry`));
        expect(result.exitCode, result.stderr).toBe(0);
      }
      const inner = ["a/b", "a/large <&> ü"].map((name) => join(path, `${name}.kopia-entry`));
      const result = await run("restore", "--shallow=9", ...inner);
      expect(result.exitCode, result.stderr).toBe(0);
    }
    expect(describeTree(mine)).toBe(describeTree(other));
    expect(spawnSync("diff", ["-r", "--no-dereference", mine, source]).stdout.toString()).toBe("");
    expect(spawnSync("diff", ["-r", "--no-dereference", other, source]).stdout.toString()).toBe("");
  });

  test("snapshots of trees with placeholders have the same root", async () => {
    using place = createWorkplace({ KOPIA_PASSWORD: PASSWORD });
    const { ours, theirs } = await connectBoth(place);
    const source = join(place.path, "source");
    for (const depth of [0, 1, 2]) {
      const target = join(place.path, `shallow${depth}`);
      expect((await ours("restore", `--shallow=${depth}`, source, target)).exitCode).toBe(0);
      const a = rootOf(await ours("snapshot", "create", "--json", target));
      const b = rootOf(await theirs("snapshot", "create", "--json", target));
      expect(a, `depth ${depth}`).toBe(b);
      expect(a).toMatch(/^k/);
    }
    const target = join(place.path, "shallow0");
    const text = readFileSync(join(target, "file.kopia-entry"), "utf8");
    const foreign = text.replace(/"obj":"....../, '"obj":"aaaaaa').replace('"file"', '"foreign"');
    writeFileSync(join(target, "foreign.kopia-entry"), foreign);
    writeFileSync(join(target, "zero"), "both");
    const a = await ours("snapshot", "create", "--json", target);
    const b = await theirs("snapshot", "create", "--json", target);
    const [mine, other] = [await theirs("show", rootOf(a)), await theirs("show", rootOf(b))];
    expect(mine.stdout).toBe(other.stdout);
    expect(a.exitCode).toBe(b.exitCode);
  });

  test("a placeholder as the source stands for what it names; estimates leave directories out", async () => {
    using place = createWorkplace({ KOPIA_PASSWORD: PASSWORD });
    const { ours, theirs } = await connectBoth(place);
    const target = join(place.path, "shallow");
    const source = join(place.path, "source");
    expect((await ours("restore", "--shallow=0", source, target)).exitCode).toBe(0);
    for (const name of ["a.kopia-entry", "file.kopia-entry"]) {
      const path = join(target, name);
      const a = rootOf(await ours("snapshot", "create", "--json", path));
      const b = rootOf(await theirs("snapshot", "create", "--json", path));
      expect(a, name).toBe(b);
    }
    for (const path of [target, join(target, "a.kopia-entry")]) {
      const [a, b] = [
        await ours("snapshot", "estimate", path),
        await theirs("snapshot", "estimate", path),
      ];
      expect(a.stdout).toBe(b.stdout);
    }
    writeFileSync(join(target, "bad.kopia-entry"), "{}");
    const bad = await ours("snapshot", "create", join(target, "bad.kopia-entry"));
    expect(bad.exitCode).toBe(1);
    expect(bad.stderr).toContain("can't read placeholder");
  });

  test("refuses what cannot be expanded", async () => {
    using place = createWorkplace({ KOPIA_PASSWORD: PASSWORD });
    const { ours, theirs } = await connectBoth(place);
    for (const argv of [
      ["restore", "a.kopia-entry", "b"],
      ["restore", "--mode=tar", "a.kopia-entry"],
      ["restore", "none.kopia-entry"],
    ]) {
      const a = await ours(...argv);
      const b = await theirs(...argv);
      expect(a.exitCode, argv.join(" ")).toBe(1);
      expect(b.exitCode, argv.join(" ")).toBe(1);
    }
    const tar = await ours("restore", "--shallow=0", join(place.path, "source"), "x.tar");
    expect(tar.exitCode).toBe(1);
    expect(tar.stderr).toContain("an archive has no placeholders");
  });
});
