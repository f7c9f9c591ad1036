import type { OutputSink } from "../cli-io.ts";

const FLUSH_AT_CHARACTERS = 1 << 16;

/** Collects text for a sink so that long lists are written in large pieces. */
export class TextOutput {
  readonly #sink: OutputSink;
  #pending = "";

  constructor(sink: OutputSink) {
    this.#sink = sink;
  }

  /** Adds text; nothing is added at the end. */
  write(text: string): void {
    this.#pending += text;
  }

  /** Adds a line. */
  line(text: string): void {
    this.#pending += `${text}\n`;
  }

  /** To be awaited now and then within long output: keeps memory flat. */
  async settle(): Promise<void> {
    if (this.#pending.length >= FLUSH_AT_CHARACTERS) await this.flush();
  }

  /** Writes what was collected. */
  async flush(): Promise<void> {
    if (this.#pending === "") return;
    const text = this.#pending;
    this.#pending = "";
    await this.#sink.write(text);
  }

  /** Writes bytes as they are, after the text so far. */
  async bytes(data: Uint8Array): Promise<void> {
    await this.flush();
    await this.#sink.write(data);
  }
}
