import { KopiaError, releaseBytes } from "@kopia-engine/kopia-format";
import { type ReadableRepository, readObjects } from "./read-objects.ts";
import type { RestoreCounters } from "./restore-counters.ts";
import { pathOf, type ItemListener, type RestoreItem } from "./restore-item.ts";
import type { RestoreOutput } from "./restore-output.ts";
import { writeWholeFile } from "./write-whole-file.ts";

/** What writing items works with. */
export interface ItemWriterOptions {
  readonly repository: ReadableRepository;
  readonly output: RestoreOutput;
  readonly counters: RestoreCounters;
  readonly listener: ItemListener;
}

/** Reads the data of items through the repository and writes it to the output, in the calling thread. */
export class ItemWriter {
  readonly #options: ItemWriterOptions;

  constructor(options: ItemWriterOptions) {
    this.#options = options;
  }

  /** Writes items, those of one content in pack order. */
  async write(items: readonly RestoreItem[]): Promise<void> {
    const { repository, listener } = this.#options;
    await readObjects(repository, items, {
      objectIdOf: (item) => item.entry.objectId,
      sizeBytesOf: (item) => Number(item.entry.sizeBytes),
      whole: (item, data) => this.#attempt(item, () => this.#writeWhole(item, data)),
      pieces: async (item, pieces) => await this.#writePieces(item, pieces),
      failed: (item, error) => {
        listener.failed(pathOf(item.task, item.entry), error);
        listener.completed(item);
      },
    });
  }

  #attempt(item: RestoreItem, write: () => void): void {
    const { listener } = this.#options;
    try {
      write();
    } catch (error) {
      listener.failed(pathOf(item.task, item.entry), error);
    }
    listener.completed(item);
  }

  #writeWhole({ task, entry }: RestoreItem, data: Uint8Array): void {
    const { output, counters } = this.#options;
    if (entry.type === "s") {
      output.writeSymlink(task?.output, entry, data);
      counters.restoredSymlinkCount++;
      return;
    }
    writeWholeFile(output.openFile(task?.output, entry), data);
    counters.restoredFileCount++;
    counters.restoredBytes += data.length;
  }

  async #writePieces(item: RestoreItem, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const { task, entry } = item;
    const { output, counters, listener } = this.#options;
    try {
      if (entry.type === "s")
        throw new KopiaError("RESTORE_FAILED", `link ${entry.name} is too long`);
      const file = output.openFile(task?.output, entry);
      try {
        for await (const piece of pieces) {
          file.write(piece);
          counters.restoredBytes += piece.length;
          releaseBytes(piece);
          await listener.breathe();
        }
        file.finish();
      } catch (error) {
        file.abort();
        throw error;
      }
      counters.restoredFileCount++;
    } catch (error) {
      listener.failed(pathOf(task, entry), error);
    }
    listener.completed(item);
  }
}
