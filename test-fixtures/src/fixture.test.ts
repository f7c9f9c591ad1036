import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { defaultFormatFixtureNames, fixtureNames, loadFixture, treeRows } from "./fixture.ts";
import { parseExactJson } from "./json.ts";

test("integers beyond 2^53 stay exact", () => {
  expect(parseExactJson('{"a":1795414403564722145,"b":1.5,"c":12}')).toEqual({
    a: 1795414403564722145n,
    b: 1.5,
    c: 12,
  });
});

test("all default-format repositories are there", () => {
  expect(defaultFormatFixtureNames().length).toBe(18);
  expect(fixtureNames(/^damaged-/).length).toBeGreaterThanOrEqual(15);
});

test("a fixture unpacks to a repository and knows its trees", () => {
  const fixture = loadFixture("fs-v0231-default");
  using unpacked = fixture.unpack();
  expect(existsSync(join(unpacked.path, "kopia.repository.f"))).toBe(true);
  const [snapshotId] = Object.keys(fixture.record.trees ?? {});
  expect(treeRows(fixture, snapshotId ?? "").length).toBeGreaterThan(50);
});
