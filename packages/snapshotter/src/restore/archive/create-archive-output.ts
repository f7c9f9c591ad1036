import type { RestoreOutput } from "../restore-output.ts";
import { ArchiveOutput } from "./archive-output.ts";
import { TarWriter } from "./tar-writer.ts";
import { ZipWriter } from "./zip-writer.ts";

/** Kinds of archives, as `--mode` names them (spec 2 §10.5). */
export type ArchiveFormat = "zip" | "zip-nocompress" | "tar" | "tgz";

/**
 * A restore into one archive file. It appears under its name when the whole tree is in it.
 * @throws KopiaError `RESTORE_TARGET` when the file cannot be made.
 */
export function createArchiveOutput(path: string, format: ArchiveFormat): RestoreOutput {
  switch (format) {
    case "tar":
    case "tgz":
      return new ArchiveOutput(new TarWriter(path, { gzip: format === "tgz" }));
    case "zip":
    case "zip-nocompress":
      return new ArchiveOutput(new ZipWriter(path, { compress: format === "zip" }));
  }
}

/** The format that a target's name asks for; `undefined`: a directory. */
export function archiveFormatOf(path: string): ArchiveFormat | undefined {
  if (path.endsWith(".zip")) return "zip";
  if (path.endsWith(".tar")) return "tar";
  return path.endsWith(".tgz") || path.endsWith(".tar.gz") ? "tgz" : undefined;
}
