import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeDirectory } from "./describe-directory.ts";

let base: string;

beforeEach(() => {
  base = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "kopia-describe-")));
});
afterEach(() => fs.rmSync(base, { recursive: true }));

function make(path: string): string {
  const full = join(base, path);
  fs.mkdirSync(join(full, ".."), { recursive: true });
  fs.writeFileSync(full, "x");
  return full;
}

test("nothing, a file, an empty directory", () => {
  expect(describeDirectory(join(base, "missing", "deeper"))).toEqual({ kind: "missing" });
  expect(describeDirectory(make("file"))).toEqual({ kind: "notDirectory" });
  expect(describeDirectory(join(base, "file", "below"))).toEqual({ kind: "notDirectory" });
  fs.mkdirSync(join(base, "mount", "lost+found"), { recursive: true });
  expect(describeDirectory(join(base, "mount"))).toEqual({ kind: "empty" });
});

test("a repository, and what lies in and around it", () => {
  make("a/repo/kopia.repository.f");
  fs.mkdirSync(join(base, "a/repo/p/010"), { recursive: true });
  const repositoryPath = join(base, "a/repo");
  expect(describeDirectory(repositoryPath)).toEqual({ kind: "repository" });
  const inside = { kind: "insideRepository", repositoryPath };
  expect(describeDirectory(join(base, "a/repo/p/010"))).toEqual(inside);
  expect(describeDirectory(join(base, "a/repo/new/one"))).toEqual(inside);
  const around = { kind: "aroundRepository", repositoryPath };
  expect(describeDirectory(join(base, "a"))).toEqual(around);
  expect(describeDirectory(base)).toEqual(around);
});

test("a link into a repository is seen through", () => {
  make("repo/kopia.repository.f");
  fs.symlinkSync(join(base, "repo"), join(base, "link"));
  expect(describeDirectory(join(base, "link"))).toEqual({ kind: "repository" });
  fs.mkdirSync(join(base, "repo", "sub"));
  fs.symlinkSync(join(base, "repo", "sub"), join(base, "sublink"));
  const expected = { kind: "insideRepository", repositoryPath: join(base, "repo") };
  expect(describeDirectory(join(base, "sublink"))).toEqual(expected);
  expect(describeDirectory(join(base, "sublink", "new"))).toEqual(expected);
});

test("a repository with a short unsharded length is one", () => {
  make("repo/ko/pia.repository.f");
  expect(describeDirectory(join(base, "repo"))).toEqual({ kind: "repository" });
});

test("leftovers of a repository, and files of others", () => {
  make("half/.shards");
  expect(describeDirectory(join(base, "half"))).toEqual({ kind: "blobs", examples: [".shards"] });
  for (const name of ["a", "b", "c", "d"]) make(`foreign/${name}.txt`);
  expect(describeDirectory(join(base, "foreign"))).toEqual({
    kind: "foreign",
    examples: ["a.txt", "b.txt", "c.txt"],
  });
});
