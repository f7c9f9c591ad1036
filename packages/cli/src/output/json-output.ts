import { booleanFlag } from "../parser/flag.ts";
import { indentJson } from "./json-indent.ts";
import type { TextOutput } from "./text-output.ts";

/** Flags of every command that can print JSON. */
export const jsonFlags = {
  json: booleanFlag("json", { help: "Print the result as JSON on stdout" }),
  jsonIndent: booleanFlag("json-indent", { help: "Print JSON over several lines", hidden: true }),
  jsonVerbose: booleanFlag("json-verbose", { help: "Print more fields", hidden: true }),
};

/**
 * Prints one JSON document and a newline (spec 3 §6.1).
 * @param text compact JSON.
 * @param options `wide`: indented as Kopia does for `snapshot create` and `snapshot verify` alone.
 */
export function printJsonObject(
  out: TextOutput,
  text: string,
  options: { readonly indent: boolean; readonly wide?: boolean },
): void {
  const layout =
    options.wide === true ? { prefix: "  ", indent: "    " } : { prefix: "", indent: "  " };
  out.line(options.indent ? indentJson(text, layout) : text);
}

/**
 * Prints a list, one item a line, without a newline at the end: some tools compare it as text
 * (spec 3 §6.1, trap T-20).
 */
export class JsonListWriter {
  readonly #out: TextOutput;
  readonly #indent: boolean;
  #separator: string;

  constructor(out: TextOutput, options: { readonly indent: boolean }) {
    this.#out = out;
    this.#indent = options.indent;
    this.#separator = options.indent ? "" : "\n ";
    out.write("[");
  }

  /** Adds an item. @param text compact JSON. */
  async add(text: string): Promise<void> {
    this.#out.write(this.#separator);
    this.#separator = this.#indent ? "," : ",\n ";
    this.#out.write(this.#indent ? indentJson(text, { prefix: "", indent: "  " }) : text);
    await this.#out.settle();
  }

  end(): void {
    this.#out.write(this.#indent ? "]" : "\n]");
  }
}
