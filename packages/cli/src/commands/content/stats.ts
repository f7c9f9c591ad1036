import { compressorByHeaderId, type IndexReader } from "@kopia-engine/kopia-format";
import { SizeHistogram } from "../../output/histogram.ts";
import { compressionPercent } from "../../output/percent.ts";
import type { TextOutput } from "../../output/text-output.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { contentRange, rangeFlags } from "./content-range.ts";

const METHOD_WIDTH = 22;

/** `content stats`. */
export const command = defineCommand({
  flags: {
    raw: booleanFlag("raw", { short: "r", help: "Sizes in bytes" }),
    ...rangeFlags,
  },
  arguments: {},
  async run(context, { flags }) {
    await withRepository(context, async (repository) => {
      const range = contentRange(flags);
      const statistics = new ContentStatistics();
      // By position in the index: an object for each of millions of contents would be most of the work.
      repository.contents.visitContents(
        (reader, position) => statistics.add(reader, position),
        range === undefined ? {} : { range },
      );
      statistics.print(context.out, flags.raw ? String : context.formatBytes);
    });
  },
});

/** Sums of contents, in all and by compressor. */
class ContentStatistics {
  readonly #histogram = new SizeHistogram();
  readonly #methods = new Map<number, Sums>();
  readonly #all = new Sums();

  add(reader: IndexReader, position: number): void {
    const originalBytes = reader.originalLengthAt(position);
    const packedBytes = reader.packedLengthAt(position);
    const headerId = reader.compressionHeaderIdAt(position);
    this.#histogram.add(packedBytes);
    this.#all.add(originalBytes, packedBytes);
    let method = this.#methods.get(headerId);
    if (method === undefined) {
      method = new Sums();
      this.#methods.set(headerId, method);
    }
    method.add(originalBytes, packedBytes);
  }

  print(out: TextOutput, size: (lengthBytes: number) => string): void {
    const { count, originalBytes, packedBytes } = this.#all;
    out.line(`Count: ${count}`);
    out.line(`Total Bytes: ${size(originalBytes)}`);
    if (packedBytes < originalBytes) {
      const saved = compressionPercent(originalBytes, packedBytes);
      out.line(`Total Packed: ${size(packedBytes)} (compression ${saved})`);
    }
    if (count === 0) return;
    this.#printMethods(out, size);
    out.line(`Average: ${size(Math.trunc(originalBytes / count))}`);
    this.#histogram.print(out, size);
  }

  #printMethods(out: TextOutput, size: (lengthBytes: number) => string): void {
    if (this.#methods.size <= 1 && this.#methods.has(0)) return;
    out.line("By Method:");
    const rows = [...this.#methods].map(([headerId, sums]) => ({
      name: methodName(headerId),
      sums,
    }));
    rows.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const { name, sums } of rows) {
      const { count, originalBytes, packedBytes } = sums;
      const total = `  ${name.padEnd(METHOD_WIDTH)} count: ${count} size: ${size(originalBytes)}`;
      const saved = compressionPercent(originalBytes, packedBytes);
      const isCompressed = name !== UNCOMPRESSED;
      out.line(
        isCompressed ? `${total} packed: ${size(packedBytes)} compression: ${saved}` : total,
      );
    }
  }
}

class Sums {
  count = 0;
  originalBytes = 0;
  packedBytes = 0;

  add(originalBytes: number, packedBytes: number): void {
    this.count++;
    this.originalBytes += originalBytes;
    this.packedBytes += packedBytes;
  }
}

const UNCOMPRESSED = "(uncompressed)";

function methodName(headerId: number): string {
  if (headerId === 0) return UNCOMPRESSED;
  return compressorByHeaderId(headerId)?.name ?? `compression-${headerId.toString(16)}`;
}
