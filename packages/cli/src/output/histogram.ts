import type { TextOutput } from "./text-output.ts";

const THRESHOLD_COUNT = 8;
const COUNT_WIDTH = 9;

/** Counts sizes in powers of ten up to 100 MB. Larger ones are in the total, not in any row, as in Kopia. */
export class SizeHistogram {
  readonly #counts = Array.from({ length: THRESHOLD_COUNT }, () => 0);
  readonly #bytes = Array.from({ length: THRESHOLD_COUNT }, () => 0);

  add(lengthBytes: number): void {
    for (let i = 0, end = 10; i < THRESHOLD_COUNT; i++, end *= 10) {
      if (lengthBytes >= end) continue;
      this.#counts[i] = (this.#counts[i] ?? 0) + 1;
      this.#bytes[i] = (this.#bytes[i] ?? 0) + lengthBytes;
      return;
    }
  }

  print(out: TextOutput, formatBytes: (lengthBytes: number) => string): void {
    out.line("Histogram:");
    out.line("");
    for (let i = 0; i < THRESHOLD_COUNT; i++) {
      const from = formatBytes(i === 0 ? 0 : 10 ** i);
      const to = formatBytes(10 ** (i + 1));
      const count = String(this.#counts[i] ?? 0).padStart(COUNT_WIDTH);
      out.line(`${count} between ${from} and ${to} (total ${formatBytes(this.#bytes[i] ?? 0)})`);
    }
  }
}
