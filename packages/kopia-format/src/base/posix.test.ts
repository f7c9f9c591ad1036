import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { posixTimesAreExact, setTimesNs, setTimesNsOfFile } from "./posix.ts";

const directory = fs.mkdtempSync(join(tmpdir(), "kopia-posix-"));
afterAll(() => fs.rmSync(directory, { recursive: true }));

const times = { atime: 1_600_000_000_123_456_789n, mtime: 1_704_164_645_987_654_321n };

function mtimeOf(path: string | Buffer): bigint {
  return fs.lstatSync(path, { bigint: true }).mtimeNs;
}

/** Without libc, doubles lose up to 119 ns and more for times far from the epoch. */
function expectTime(actual: bigint, expected: bigint): void {
  if (posixTimesAreExact()) expect(actual).toBe(expected);
  else expect(Math.abs(Number(actual - expected))).toBeLessThan(1000);
}

test("the fast way is active on 64-bit Linux with a Node that has it", () => {
  // Asked first: it loads the module without the warning.
  const actual = posixTimesAreExact();
  const expected =
    process.platform === "linux" &&
    ["x64", "arm64"].includes(process.arch) &&
    process.getBuiltinModule("node:ffi") !== undefined;
  expect(actual).toBe(expected);
});

test("times of a file keep their nanoseconds, before the epoch as well", () => {
  const path = join(directory, "file");
  fs.writeFileSync(path, "");
  setTimesNs(path, times);
  const stats = fs.statSync(path, { bigint: true });
  expectTime(stats.mtimeNs, times.mtime);
  expectTime(stats.atimeNs, times.atime);
  setTimesNs(path, { atime: 0n, mtime: -1n });
  expectTime(mtimeOf(path), -1n);
  setTimesNs(path, { atime: 0n, mtime: -5_000_000_001n });
  expectTime(mtimeOf(path), -5_000_000_001n);
});

test("times of a link are its own, unless it is to be followed", () => {
  const target = join(directory, "target");
  const link = join(directory, "link");
  fs.writeFileSync(target, "");
  fs.symlinkSync("target", link);
  setTimesNs(target, { atime: 0n, mtime: 0n });
  setTimesNs(link, times);
  expectTime(mtimeOf(link), times.mtime);
  expect(mtimeOf(target)).toBe(0n);
  setTimesNs(link, times, { followSymlinks: true });
  expectTime(mtimeOf(target), times.mtime);
});

test("times of an open file and directory", () => {
  const path = join(directory, "open");
  for (const fd of [fs.openSync(path, "w"), fs.openSync(directory, "r")]) {
    setTimesNsOfFile(fd, times);
    expectTime(fs.fstatSync(fd, { bigint: true }).mtimeNs, times.mtime);
    fs.closeSync(fd);
  }
});

test("raw bytes are a path, a null byte is none", () => {
  const path = Buffer.concat([Buffer.from(`${directory}/`), new Uint8Array([0x61, 0xff, 0x62])]);
  fs.writeFileSync(path, "");
  setTimesNs(new Uint8Array(path), times);
  expectTime(mtimeOf(path), times.mtime);
  expect(() => setTimesNs(`${directory}/a\0b`, times)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_ARG_VALUE" }),
  );
});

test("system errors have code and path", () => {
  const path = join(directory, "missing", "file");
  expect(() => setTimesNs(path, times)).toThrow(expect.objectContaining({ code: "ENOENT", path }));
  expect(() => setTimesNsOfFile(9999, times)).toThrow(expect.objectContaining({ code: "EBADF" }));
});
