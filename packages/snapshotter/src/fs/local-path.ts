import { goDecodeUtf8 } from "@kopia-engine/kopia-format";

/** A path of this machine: text, or raw bytes where a component is not valid UTF-8. */
export type LocalPath = string | Uint8Array;

/** A name inside a directory. */
export interface LocalName {
  /** Text, each invalid UTF-8 byte as one U+FFFD. */
  readonly name: string;
  /** The raw name where it is not valid UTF-8. */
  readonly nameBytes?: Uint8Array;
}

/** Path of an entry of a directory. */
export function joinLocalPath(directory: LocalPath, entry: LocalName): LocalPath {
  if (typeof directory === "string" && entry.nameBytes === undefined) {
    return directory === "/" ? `/${entry.name}` : `${directory}/${entry.name}`;
  }
  const parent = typeof directory === "string" ? Buffer.from(directory, "utf8") : directory;
  const name = entry.nameBytes ?? Buffer.from(entry.name, "utf8");
  return Buffer.concat([parent, Buffer.from("/"), name]);
}

/** A path in the form that `node:fs` takes. */
export function nodePath(path: LocalPath): string | Buffer {
  if (typeof path === "string") return path;
  return Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

/** A path as it is shown and stored in errors. */
export function displayPath(path: LocalPath): string {
  return typeof path === "string" ? path : goDecodeUtf8(path);
}
