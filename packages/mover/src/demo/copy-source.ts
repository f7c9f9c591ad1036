import {
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
} from "node:fs";
import { basename, join } from "node:path";

/** How much was copied. */
export interface CopiedTree {
  fileCount: number;
  totalBytes: number;
}

/**
 * Copies directories into one work directory, so that the demo can change files without touching the
 * originals. Files are cloned where the file system can. Left out is what a snapshot leaves out: sockets,
 * pipes and devices, tagged caches (spec 2 §7.6), and ignore files, so that everything can be compared.
 * @param maxBytes stops before the copy grows beyond this.
 */
export function copySources(
  sources: readonly string[],
  target: string,
  maxBytes: number,
): CopiedTree {
  const copied: CopiedTree = { fileCount: 0, totalBytes: 0 };
  mkdirSync(target, { recursive: true });
  for (const source of sources)
    copyDirectory(source, sources.length === 1 ? target : join(target, basename(source)), {
      copied,
      maxBytes,
    });
  return copied;
}

function copyDirectory(
  from: string,
  to: string,
  state: { readonly copied: CopiedTree; readonly maxBytes: number },
): void {
  mkdirSync(to, { recursive: true });
  const names = readdirSync(from);
  for (const name of names.includes("CACHEDIR.TAG") ? [] : names) {
    if (name === ".kopiaignore") continue;
    const path = join(from, name);
    const stat = lstatSync(path);
    if (stat.isDirectory()) copyDirectory(path, join(to, name), state);
    else if (stat.isSymbolicLink()) symlinkSync(readlinkSync(path), join(to, name));
    else if (stat.isFile() && state.copied.totalBytes + stat.size <= state.maxBytes) {
      copyFileSync(path, join(to, name), constants.COPYFILE_FICLONE);
      utimesSync(join(to, name), stat.atime, stat.mtime);
      state.copied.fileCount++;
      state.copied.totalBytes += stat.size;
    }
  }
  const { atime, mtime } = lstatSync(from);
  utimesSync(to, atime, mtime);
}
