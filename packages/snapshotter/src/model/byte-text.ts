import { nodeBuiltin } from "@kopia-engine/kopia-format";

/** Text inside bytes, read without copying them first. Ends are exclusive. */
export interface ByteText {
  readonly provider: "portable" | "fast";
  /** Bytes that are known to be ASCII. */
  ascii(start: number, end: number): string;
  /** Bytes that `isUtf8` has accepted. */
  utf8(start: number, end: number): string;
  isUtf8(start: number, end: number): boolean;
}

/** @param provider `fast` (the default) falls back to `portable` where there is no `node:buffer`. */
export function byteText(data: Uint8Array, provider: "portable" | "fast" = "fast"): ByteText {
  const node = provider === "fast" ? nodeBuiltin("node:buffer") : undefined;
  if (node === undefined) return new PortableByteText(data);
  const { isUtf8 } = node;
  const buffer = node.Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return {
    provider: "fast",
    ascii: (start, end) => buffer.toString("latin1", start, end),
    utf8: (start, end) => buffer.toString("utf8", start, end),
    isUtf8: (start, end) => isUtf8(buffer.subarray(start, end)),
  };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

class PortableByteText implements ByteText {
  readonly provider = "portable";
  readonly #data: Uint8Array;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  ascii(start: number, end: number): string {
    let text = "";
    for (let at = start; at < end; at++) text += String.fromCharCode(this.#data[at] as number);
    return text;
  }

  utf8(start: number, end: number): string {
    return decoder.decode(this.#data.subarray(start, end));
  }

  isUtf8(start: number, end: number): boolean {
    try {
      this.utf8(start, end);
      return true;
    } catch {
      return false;
    }
  }
}
