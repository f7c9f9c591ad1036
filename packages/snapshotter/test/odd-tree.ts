import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setTimesNs } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";

/** A tree with everything that trees have been seen to hold; owners need root. */
export function writeOddTree(root: string): void {
  mkdirSync(root, { recursive: true });
  const file = (name: string | Buffer, data: string | Uint8Array, mode = 0o644): Buffer => {
    const raw = typeof name === "string" ? Buffer.from(name) : name;
    const path = Buffer.concat([Buffer.from(`${root}/`), raw]);
    mkdirSync(Buffer.from(dirname(path.toString("latin1")), "latin1"), { recursive: true });
    writeFileSync(path, data);
    chmodSync(path, mode);
    return path;
  };
  const time = (path: Buffer, mtime: bigint): void => setTimesNs(path, { atime: 0n, mtime });
  const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

  file("empty", "");
  time(file("one", "1", 0o600), 1n);
  time(file("epoch", "x", 0o000), 0n);
  time(file("before-epoch", "x"), -1_500_000_000n);
  time(file("trailing-zeros", "x"), 1_700_000_000_120_000_000n);
  file("setuid", "x", 0o4755);
  file("setgid", "x", 0o2750);
  file("big", seededBytes(1, 11 * 2 ** 20 + 13));
  file("zeros", new Uint8Array(9 * 2 ** 20));
  truncateSync(file("sparse", "start"), 20 * 2 ** 20);
  for (const name of [
    "a<&>\"\\\t\n\u0001\b\f\u007f'",
    "é😀.bin",
    "\u2028x\u2029",
    "～",
    "😀",
    "\ufffd",
    " leading",
    "trailing ",
    "-dash",
    "..x",
    "B",
    "b",
    "a.d/x",
    "a/x",
    "a-b/x",
    "n".repeat(255),
  ]) {
    file(`names/${name}`, name);
  }
  file(latin1("names/bad\xff\xe2\x82name\xed\xa0\x80"), "bad");
  file(latin1("names/\xfe"), "first of two that look the same");
  file(latin1("names/\xff"), "second of two that look the same");
  file(latin1("names/dir\xff/in\xc3"), "inside");
  mkdirSync(join(root, "empty-directory"));
  mkdirSync(join(root, "sticky"));
  chmodSync(join(root, "sticky"), 0o1777);
  symlinkSync("../target", join(root, "link"));
  symlinkSync(latin1("raw\xff\xfe/x"), join(root, "raw-link"));
  symlinkSync("names", join(root, "directory-link"));
  symlinkSync("x".repeat(4000), join(root, "long-link"));
  execFileSync("mkfifo", [join(root, "fifo")]);
  file("cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc55\nmore");
  file("cache/data", "left out");
  file("no-cache/CACHEDIR.TAG", "Signature: 8a477f597d28d172789f06886806bc5x");
  file(".kopiaignore", "*.tmp\n!keep.tmp\n/only-root\nbuild/\n");
  for (const name of ["a.tmp", "keep.tmp", "only-root", "sub/only-root", "sub/build/x"]) {
    file(name, name);
  }
  file("sub/.kopiaignore", "!a.tmp\nz*\n");
  for (const name of ["sub/a.tmp", "sub/b.tmp", "sub/zed", "sub/deep/zed"]) file(name, name);
  const levels = Array.from({ length: 40 }, (_, level) => `level${level}`);
  file(`deep/${levels.join("/")}/file`, "deep");
  for (let index = 0; index < 300; index++) file(`many/${index}`, seededBytes(index, index * 7));
  linkSync(join(root, "one"), join(root, "hard-link"));
  if (process.getuid?.() !== 0) return;
  chownSync(join(root, "empty"), 1234, 4_294_967_294);
  lchownSync(join(root, "link"), 77, 88);
}
