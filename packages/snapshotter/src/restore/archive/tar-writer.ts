import { KopiaError } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../../model/directory-entry.ts";
import { entryModeToPosix } from "../../model/entry-mode.ts";
import { ArchiveFile } from "./archive-file.ts";
import type { ArchiveWriter } from "./archive-output.ts";
import { GzipSink } from "./gzip-sink.ts";
import { type TarMember, encodeTarHeader, tarEnd, tarPadding } from "./tar-header.ts";

/** Writes tar, or with `gzip` tar.gz. */
export class TarWriter implements ArchiveWriter {
  readonly #file: ArchiveFile;
  readonly #gzip: GzipSink | undefined;
  #fileStart = 0;
  #fileBytes = 0;

  /** @throws KopiaError `RESTORE_TARGET`. */
  constructor(path: string, { gzip }: { readonly gzip: boolean }) {
    this.#file = new ArchiveFile(path);
    this.#gzip = gzip ? new GzipSink((bytes) => this.#file.write(bytes)) : undefined;
  }

  writeDirectory(path: string, entry: DirectoryEntry): void {
    this.#put(encodeTarHeader(member(`${path}/`, entry, { type: "directory", sizeBytes: 0 })));
  }

  writeSymlink(path: string, entry: DirectoryEntry, target: Uint8Array): void {
    const link = { type: "symlink", sizeBytes: 0, linkTarget: target } as const;
    this.#put(encodeTarHeader(member(path, entry, link)));
  }

  startFile(path: string, entry: DirectoryEntry): void {
    this.#fileStart = this.#file.lengthBytes;
    this.#fileBytes = Number(entry.sizeBytes);
    this.#put(encodeTarHeader(member(path, entry, { type: "file", sizeBytes: this.#fileBytes })));
  }

  writeData(bytes: Uint8Array): void {
    this.#put(bytes);
  }

  finishFile(): void {
    this.#put(tarPadding(this.#fileBytes));
  }

  takeBackFile(): void {
    if (this.#gzip !== undefined)
      throw new KopiaError(
        "RESTORE_FAILED",
        "a file failed in the middle of a compressed archive and cannot be taken back; restore to .tar, .zip or a directory",
      );
    this.#file.truncate(this.#fileStart);
  }

  commit(): void {
    this.#put(tarEnd());
    this.#gzip?.end();
    this.#file.commit();
  }

  discard(): void {
    this.#file.discard();
  }

  #put(bytes: Uint8Array): void {
    if (this.#gzip === undefined) this.#file.write(bytes);
    else this.#gzip.write(bytes);
  }
}

function member(
  path: string,
  entry: DirectoryEntry,
  rest: Pick<TarMember, "type" | "sizeBytes" | "linkTarget">,
): TarMember {
  const { uid, gid, modTime } = entry;
  return { path, uid, gid, mode: entryModeToPosix(entry.mode), modTimeNs: modTime, ...rest };
}
