import { crc32 } from "node:zlib";
import { utf8Encode, NS_PER_SECOND } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../../model/directory-entry.ts";
import { entryModeToPosix } from "../../model/entry-mode.ts";
import { ArchiveFile } from "./archive-file.ts";
import type { ArchiveWriter } from "./archive-output.ts";
import { GzipSink } from "./gzip-sink.ts";
import {
  type ZipMember,
  centralHeader,
  dataDescriptor,
  endOfDirectory,
  localHeader,
} from "./zip-records.ts";

const FILE_TYPES = { file: 0o100000, directory: 0o040000, symlink: 0o120000 } as const;

/** Writes zip, with 64-bit sizes where needed. Unlike Kopia it keeps directories and symbolic links. */
export class ZipWriter implements ArchiveWriter {
  readonly #file: ArchiveFile;
  readonly #compress: boolean;
  readonly #members: ZipMember[] = [];
  #deflate: GzipSink | undefined;

  /** @throws KopiaError `RESTORE_TARGET`. */
  constructor(path: string, { compress }: { readonly compress: boolean }) {
    this.#file = new ArchiveFile(path);
    this.#compress = compress;
  }

  writeDirectory(path: string, entry: DirectoryEntry): void {
    this.#start({ path: `${path}/`, entry, type: "directory", method: 0 });
    this.finishFile();
  }

  writeSymlink(path: string, entry: DirectoryEntry, target: Uint8Array): void {
    this.#start({ path, entry, type: "symlink", method: 0 });
    this.writeData(target);
    this.finishFile();
  }

  startFile(path: string, entry: DirectoryEntry): void {
    const isCompressed = this.#compress && entry.sizeBytes > 0n;
    this.#start({ path, entry, type: "file", method: isCompressed ? 8 : 0 });
    if (isCompressed) this.#deflate = new GzipSink((bytes) => this.#store(bytes), "raw");
  }

  writeData(bytes: Uint8Array): void {
    const member = this.#last();
    member.crc32 = crc32(bytes, member.crc32);
    member.sizeBytes += bytes.length;
    if (this.#deflate === undefined) this.#store(bytes);
    else this.#deflate.write(bytes);
  }

  finishFile(): void {
    this.#deflate?.end();
    this.#deflate = undefined;
    this.#file.write(dataDescriptor(this.#last()));
  }

  takeBackFile(): void {
    this.#deflate = undefined;
    const member = this.#members.pop();
    if (member !== undefined) this.#file.truncate(member.offsetBytes);
  }

  commit(): void {
    const offsetBytes = this.#file.lengthBytes;
    for (const member of this.#members) this.#file.write(centralHeader(member));
    const lengthBytes = this.#file.lengthBytes - offsetBytes;
    const memberCount = this.#members.length;
    this.#file.write(endOfDirectory({ memberCount, offsetBytes, lengthBytes }));
    this.#file.commit();
  }

  discard(): void {
    this.#file.discard();
  }

  #start(start: {
    readonly path: string;
    readonly entry: DirectoryEntry;
    readonly type: keyof typeof FILE_TYPES;
    readonly method: 0 | 8;
  }): void {
    const { entry, type, method } = start;
    const member: ZipMember = {
      name: utf8Encode(start.path),
      method,
      unixMode: FILE_TYPES[type] | entryModeToPosix(entry.mode),
      uid: entry.uid,
      gid: entry.gid,
      modTimeSeconds: Number(entry.modTime / NS_PER_SECOND),
      offsetBytes: this.#file.lengthBytes,
      crc32: 0,
      compressedBytes: 0,
      sizeBytes: 0,
    };
    this.#members.push(member);
    this.#file.write(localHeader(member));
  }

  #store(bytes: Uint8Array): void {
    this.#last().compressedBytes += bytes.length;
    this.#file.write(bytes);
  }

  #last(): ZipMember {
    return this.#members.at(-1) as ZipMember;
  }
}
