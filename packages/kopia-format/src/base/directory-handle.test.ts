import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  directoryHandlesAreSafe,
  isSafeEntryName,
  openDirectoryHandle,
} from "./directory-handle.ts";
import { isKopiaError } from "./errors.ts";

const hasMkfifo = spawnSync("mkfifo", ["--version"]).status === 0;

let base: string;
let target: string;
let outside: string;

beforeEach(() => {
  base = fs.mkdtempSync(join(tmpdir(), "kopia-directory-"));
  target = join(base, "target");
  outside = join(base, "outside");
  fs.mkdirSync(target);
  fs.mkdirSync(outside);
  fs.writeFileSync(join(outside, "precious"), "precious");
});
afterEach(() => fs.rmSync(base, { recursive: true }));

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
  return "no error";
}

test("a tree is written and read through handles", () => {
  using root = openDirectoryHandle(target);
  root.makeDirectory("sub", 0o700);
  const sub = root.openDirectory("sub");
  const raw = new Uint8Array([0x66, 0xff]);
  const fd = sub.openFileForWrite(raw, { mode: 0o600, exclusive: true });
  fs.writeSync(fd, "data");
  fs.closeSync(fd);
  sub.rename(raw, "file");
  sub.symlink("link", "../../outside/precious");
  sub.setTimes("link", { atime: 0n, mtime: 1_000_000_000n });
  sub.chmodSelf(0o750);
  sub.setTimesSelf({ atime: 0n, mtime: 2_000_000_000n });
  expect(sub.statSelf().mtimeNs).toBe(2_000_000_000n);
  expect(Number(sub.statSelf().mode) & 0o777).toBe(0o750);
  expect(sub.lstat("link")?.mtimeNs).toBe(1_000_000_000n);
  expect(Buffer.from(sub.readLink("link")).toString()).toBe("../../outside/precious");
  expect(
    sub
      .names()
      .map((name) => Buffer.from(name).toString())
      .toSorted(),
  ).toEqual(["file", "link"]);
  expect(sub.lstat("missing")).toBeUndefined();
  expect(fs.readFileSync(join(target, "sub", "file"), "utf8")).toBe("data");
  sub.unlink("file");
  sub.unlink("link");
  sub.close();
  sub.close();
  root.removeDirectory("sub");
  expect(fs.readdirSync(target)).toEqual([]);
  expect(() => sub.lstat("file")).toThrow("was closed");
});

test("planted links are never followed", () => {
  using root = openDirectoryHandle(target);
  root.symlink("dir", "../outside");
  root.symlink("file", "../outside/precious");
  root.symlink("dangling", "../outside/new");
  expect(codeOf(() => root.openDirectory("dir"))).toMatch(/ENOTDIR|ELOOP/);
  for (const name of ["file", "dangling"]) {
    expect(codeOf(() => root.openFileForWrite(name, { mode: 0o600, truncate: true }))).toBe(
      "ELOOP",
    );
    expect(codeOf(() => root.openFileForWrite(name, { mode: 0o600, exclusive: true }))).toBe(
      "EEXIST",
    );
  }
  root.setTimes("file", { atime: 0n, mtime: 0n });
  expect(fs.statSync(join(outside, "precious")).mtimeMs).toBeGreaterThan(0);
  root.unlink("file");
  expect(fs.readdirSync(outside)).toEqual(["precious"]);
  expect(fs.readFileSync(join(outside, "precious"), "utf8")).toBe("precious");
});

test.skipIf(!directoryHandlesAreSafe())(
  "a directory that is swapped for a link meanwhile leads nowhere (needs /proc)",
  () => {
    using root = openDirectoryHandle(target);
    root.makeDirectory("sub", 0o700);
    using sub = root.openDirectory("sub");
    fs.renameSync(join(target, "sub"), join(target, "moved"));
    fs.symlinkSync(outside, join(target, "sub"));
    fs.closeSync(sub.openFileForWrite("precious", { mode: 0o600, truncate: true }));
    expect(fs.readFileSync(join(outside, "precious"), "utf8")).toBe("precious");
    expect(fs.readdirSync(join(target, "moved"))).toEqual(["precious"]);
  },
);

test("what is no regular file is not opened for writing", () => {
  using root = openDirectoryHandle(target);
  root.makeDirectory("sub", 0o700);
  expect(codeOf(() => root.openFileForWrite("sub", { mode: 0o600 }))).toBe("EISDIR");
});

test.skipIf(!hasMkfifo)("a planted FIFO does not make the writer wait (needs mkfifo)", () => {
  using root = openDirectoryHandle(target);
  spawnSync("mkfifo", [join(target, "fifo")]);
  expect(root.lstat("fifo")?.isFIFO()).toBe(true);
  expect(codeOf(() => root.openFileForWrite("fifo", { mode: 0o600 }))).toBe("RESTORE_TARGET");
});

test("names that could lead elsewhere are refused by every call", () => {
  using root = openDirectoryHandle(target);
  const names = ["", ".", "..", "a/b", "/etc", "../outside", "a\0b"];
  for (const text of names) {
    for (const name of [text, new TextEncoder().encode(text)]) {
      expect(isSafeEntryName(name)).toBe(false);
      for (const call of [
        () => root.lstat(name),
        () => root.openDirectory(name),
        () => root.makeDirectory(name, 0o700),
        () => root.openFileForWrite(name, { mode: 0o600 }),
        () => root.symlink(name, "x"),
        () => root.unlink(name),
        () => root.rename("a", name),
        () => root.chown(name, { uid: 0, gid: 0 }),
        () => root.setTimes(name, { atime: 0n, mtime: 0n }),
      ]) {
        let thrown: unknown;
        try {
          call();
        } catch (error) {
          thrown = error;
        }
        expect(isKopiaError(thrown, "RESTORE_UNSAFE_NAME")).toBe(true);
      }
    }
  }
  for (const name of ["...", "..a", "a..", " ", "\n", "ü", new Uint8Array([0xff])]) {
    expect(isSafeEntryName(name)).toBe(true);
  }
});
