import { createRequire } from "node:module";
import { chmodSync, lstatSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { setTimesNs } from "@kopia-engine/kopia-format";
import { tempDirectory } from "../../test/temp-directory.ts";
import { readLocalEntry } from "./local-directory.ts";
import {
  documentedLstatNumbers,
  ENTRY_NUMBER,
  isLstatDirect,
  lstatNumbers,
  type LstatNumbers,
  lstatNumbersBy,
  quickestLstatNumbers,
} from "./lstat-numbers.ts";

const { path: directory, [Symbol.dispose]: removeDirectory } = tempDirectory();
beforeAll(() => {
  writeFileSync(join(directory, "file"), "12345");
  chmodSync(join(directory, "file"), 0o4751);
  setTimesNs(join(directory, "file"), { atime: 5n, mtime: 1_712_345_678_123_456_789n });
  writeFileSync(join(directory, "empty"), "");
  utimesSync(join(directory, "empty"), 0, 0);
  mkdirSync(join(directory, "directory"), { mode: 0o700 });
  symlinkSync("nowhere", join(directory, "link"));
  writeFileSync(join(directory, "ünï"), "1");
  writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0x41)]), "22");
});
afterAll(removeDirectory);

function numbersOf(lstat: LstatNumbers, path: string | Uint8Array): number[] | undefined {
  const numbers = new Float64Array(ENTRY_NUMBER.count + 4);
  return lstat(path, numbers, 2) ? [...numbers] : undefined;
}

const { devDependencies } = createRequire(import.meta.url)("../../../../package.json") as {
  devDependencies: { node: string };
};
test("the pinned Node has the direct call: when another is pinned, try it and add it to the list", () => {
  expect(isLstatDirect()).toBe(process.versions.node === devDependencies.node);
});

test.each(["file", "empty", "directory", "link", "ünï", "missing", "file/below", "."])(
  "both ways say the same of %s",
  (name) => {
    const path = join(directory, name);
    const found = numbersOf(lstatNumbers, path);
    expect(found).toEqual(numbersOf(documentedLstatNumbers, path));
    expect(found === undefined).toBe(name === "missing" || name === "file/below");
  },
);

test("the numbers are those of the entry", () => {
  const path = join(directory, "file");
  const { uid, gid, dev } = lstatSync(path);
  const numbers = [0o104751, 5, uid, gid, 1_712_345_678, 123_456_789, dev];
  expect(numbersOf(lstatNumbers, path)).toEqual([0, 0, ...numbers, 0, 0]);
});

test("a name that is not UTF-8 is asked for by its bytes", () => {
  const path = Buffer.concat([Buffer.from(`${directory}/`), Buffer.of(0xff, 0x41)]);
  const found = numbersOf(lstatNumbers, new Uint8Array(path));
  expect(found).toEqual(numbersOf(documentedLstatNumbers, path));
  expect(found?.[2 + ENTRY_NUMBER.sizeBytes]).toBe(2);
});

test("a time before 1970 is left to the general call", () => {
  const path = join(directory, "old");
  writeFileSync(path, "");
  setTimesNs(path, { atime: 0n, mtime: -1_500_000_000n });
  expect(numbersOf(lstatNumbers, path)).toBeUndefined();
  expect(numbersOf(documentedLstatNumbers, path)).toBeUndefined();
  expect(readLocalEntry(directory, "old")).toMatchObject({ modTime: -1_500_000_000n });
});

const FIELDS = [7, 0o100644, 1, 10, 20, 0, 4096, 99, 1234, 8, 1, 2, 3, 4, 5, 6, 7, 8];
test.each([
  ["a field that is no number", FIELDS.with(12, Number.NaN)],
  ["a size beyond 2^53", FIELDS.with(8, 2 ** 53)],
  ["a negative time", FIELDS.with(12, -1)],
  ["an array that is too short", FIELDS.slice(0, 10)],
])("%s is not taken", (_what, fields) => {
  expect(
    numbersOf(
      lstatNumbersBy(() => Float64Array.from(fields)),
      "/x",
    ),
  ).toBeUndefined();
});

test("the fields are where Node has them", () => {
  const numbers = numbersOf(
    lstatNumbersBy(() => Float64Array.from(FIELDS)),
    "/x",
  );
  expect(numbers).toEqual([0, 0, 0o100644, 1234, 10, 20, 3, 4, 7, 0, 0]);
});

test("a function that throws says nothing", () => {
  const lstat = lstatNumbersBy(() => {
    throw new Error("not like this");
  });
  expect(numbersOf(lstat, "/")).toBeUndefined();
});

test.each([
  ["is not there", () => undefined],
  ["has no lstat", () => ({})],
  [
    "must not be loaded",
    () => {
      throw new Error("gone");
    },
  ],
  ["gives other numbers", () => ({ lstat: () => Float64Array.from(FIELDS) })],
  ["finds nothing", () => ({ lstat: () => undefined })],
  [
    "throws",
    () => ({
      lstat: () => {
        throw new Error("no");
      },
    }),
  ],
])("where Node's own %s, the documented call serves", (_what, load) => {
  expect(quickestLstatNumbers(load, [directory, `${directory}/missing`])).toBe(
    documentedLstatNumbers,
  );
});
