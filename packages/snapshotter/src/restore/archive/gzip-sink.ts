import { Deflate } from "pako";
import { KopiaError } from "@kopia-engine/kopia-format";

/** Compresses what is written, synchronously and in bounded memory, as restores write. */
export class GzipSink {
  readonly #deflate: Deflate;

  /** @param format `raw` for members of zip archives. */
  constructor(output: (bytes: Uint8Array) => void, format: "gzip" | "raw" = "gzip") {
    this.#deflate = new Deflate(format === "gzip" ? { gzip: true } : { raw: true });
    this.#deflate.onData = (chunk: Uint8Array) => output(chunk);
    this.#deflate.onEnd = () => {};
  }

  write(bytes: Uint8Array): void {
    this.#push(bytes, false);
  }

  /** Writes what is still inside. */
  end(): void {
    this.#push(new Uint8Array(0), true);
  }

  #push(bytes: Uint8Array, isLast: boolean): void {
    if (this.#deflate.push(bytes, isLast)) return;
    throw new KopiaError("RESTORE_FAILED", `compression failed: ${this.#deflate.msg}`);
  }
}
