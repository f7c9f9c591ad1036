import * as fs from "node:fs";
import type { TimeNs } from "./clock.ts";
import { splitTime } from "./go-time.ts";
import { loadLibc, systemError, type Libc } from "./libc.ts";

/** A path: text, or raw bytes where names are not UTF-8. */
export type PosixPath = string | Uint8Array;

/** File times to set. */
export interface FileTimes {
  readonly atime: TimeNs;
  readonly mtime: TimeNs;
}

/** `AT_FDCWD` and `AT_SYMLINK_NOFOLLOW` of Linux. */
const CURRENT_DIRECTORY = -100;
const NO_FOLLOW = 0x100;

/** Whether times keep every nanosecond (Linux with `node:ffi`); otherwise the last few hundred can be lost. */
export function posixTimesAreExact(): boolean {
  return loadLibc() !== undefined;
}

/**
 * Sets access and modification time of a file, a directory, or (unless told to follow) a link itself.
 *
 * Node's own calls take seconds as a double and lose up to 119 ns; where libc can be called, nothing is lost.
 *
 * @throws the system error, with `code`, `syscall` and `path`
 */
export function setTimesNs(
  path: PosixPath,
  times: FileTimes,
  options: { readonly followSymlinks?: boolean } = {},
): void {
  const followSymlinks = options.followSymlinks ?? false;
  const libc = loadLibc();
  if (libc === undefined) {
    const set = followSymlinks ? fs.utimesSync : fs.lutimesSync;
    set(pathOf(path), secondsOf(times.atime), secondsOf(times.mtime));
    return;
  }
  const flags = followSymlinks ? 0 : NO_FOLLOW;
  fillTimespecs(libc, times);
  const result = libc.utimensat(CURRENT_DIRECTORY, terminated(path), libc.timespecsAddress, flags);
  if (result !== 0) throw systemError(libc, "utimensat", textOf(path));
}

/**
 * As `setTimesNs` for an open file or directory.
 *
 * @throws the system error, with `code` and `syscall`
 */
export function setTimesNsOfFile(fd: number, times: FileTimes): void {
  const libc = loadLibc();
  if (libc === undefined) {
    fs.futimesSync(fd, secondsOf(times.atime), secondsOf(times.mtime));
    return;
  }
  fillTimespecs(libc, times);
  if (libc.futimens(fd, libc.timespecsAddress) !== 0)
    throw systemError(libc, "futimens", `fd ${fd}`);
}

function fillTimespecs({ timespecs }: Libc, times: FileTimes): void {
  const atime = splitTime(times.atime);
  const mtime = splitTime(times.mtime);
  timespecs[0] = BigInt(atime.seconds);
  timespecs[1] = BigInt(atime.nanoseconds);
  timespecs[2] = BigInt(mtime.seconds);
  timespecs[3] = BigInt(mtime.nanoseconds);
}

function secondsOf(time: TimeNs): number {
  return Number(time) / 1e9;
}

/** Path bytes with the NUL that C wants. @throws TypeError for a path with a NUL inside, as `node:fs` does */
function terminated(path: PosixPath): Parameters<Libc["utimensat"]>[1] {
  const raw = typeof path === "string" ? Buffer.from(path) : path;
  if (raw.includes(0)) {
    throw Object.assign(new TypeError(`the path ${textOf(path)} holds a null byte`), {
      code: "ERR_INVALID_ARG_VALUE",
    });
  }
  const bytes = new Uint8Array(raw.length + 1);
  bytes.set(raw);
  return bytes;
}

function pathOf(path: PosixPath): string | Buffer {
  return typeof path === "string"
    ? path
    : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

function textOf(path: PosixPath): string {
  return typeof path === "string" ? path : Buffer.from(path).toString();
}
