import { KopiaError } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../../model/directory-entry.ts";
import { joinPath } from "../restore-error.ts";
import type {
  DeletedCounts,
  OutputDirectory,
  OutputFile,
  RestoreOutput,
} from "../restore-output.ts";

const NOTHING_DELETED: DeletedCounts = { files: 0, directories: 0, symlinks: 0 };

/** A format of archives. Files are written one after the other, each with the length that its entry says. */
export interface ArchiveWriter {
  writeDirectory(path: string, entry: DirectoryEntry): void;
  writeSymlink(path: string, entry: DirectoryEntry, target: Uint8Array): void;
  startFile(path: string, entry: DirectoryEntry): void;
  writeData(bytes: Uint8Array): void;
  finishFile(): void;
  /** Takes back the file that was started. @throws KopiaError `RESTORE_FAILED` where that is impossible. */
  takeBackFile(): void;
  /** Ends the archive and makes it visible. */
  commit(): void;
  /** Ends without an archive. */
  discard(): void;
}

/**
 * A restore into an archive (spec 2 §10.5). The archive gets its name only when the whole tree is in it; a restore
 * that fails leaves nothing.
 */
export class ArchiveOutput implements RestoreOutput {
  readonly #writer: ArchiveWriter;

  constructor(writer: ArchiveWriter) {
    this.#writer = writer;
  }

  openRoot(_entry: DirectoryEntry): OutputDirectory {
    return { path: "." };
  }

  openDirectory(parent: OutputDirectory, entry: DirectoryEntry): OutputDirectory {
    const path = joinPath(parent.path, entry.name);
    this.#writer.writeDirectory(path, entry);
    return { path };
  }

  deleteExtra(): DeletedCounts {
    return NOTHING_DELETED;
  }

  finishDirectory(): void {}

  keepsExisting(): boolean {
    return false;
  }

  openFile(parent: OutputDirectory | undefined, entry: DirectoryEntry): OutputFile {
    const writer = this.#writer;
    const path = pathIn(parent, entry);
    let leftBytes = entry.sizeBytes;
    const assertFits = (isWhole: boolean): void => {
      if (isWhole ? leftBytes === 0n : leftBytes >= 0n) return;
      throw new KopiaError("RESTORE_FAILED", `${path}: has other bytes than its size says`, {
        details: { path },
      });
    };
    writer.startFile(path, entry);
    return {
      write: (piece) => {
        leftBytes -= BigInt(piece.length);
        assertFits(false);
        writer.writeData(piece);
      },
      finish: () => {
        assertFits(true);
        writer.finishFile();
      },
      abort: () => writer.takeBackFile(),
    };
  }

  writeSymlink(
    parent: OutputDirectory | undefined,
    entry: DirectoryEntry,
    target: Uint8Array,
  ): void {
    this.#writer.writeSymlink(pathIn(parent, entry), entry, target);
  }

  complete(): void {
    this.#writer.commit();
  }

  async close(): Promise<void> {
    this.#writer.discard();
  }
}

function pathIn(parent: OutputDirectory | undefined, entry: DirectoryEntry): string {
  return parent === undefined ? entry.name : joinPath(parent.path, entry.name);
}
