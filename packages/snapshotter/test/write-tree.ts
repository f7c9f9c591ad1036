import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A tree to be made: text or bytes are files, `{ link }` is a symbolic link, anything else a directory. */
export interface TreeSpec {
  readonly [name: string]: string | Uint8Array | { readonly link: string } | TreeSpec;
}

/** Makes files and directories below `path`, which is made as well. */
export function writeTree(path: string, tree: TreeSpec): string {
  mkdirSync(path, { recursive: true });
  for (const [name, value] of Object.entries(tree)) {
    const child = join(path, name);
    if (typeof value === "string" || value instanceof Uint8Array) writeFileSync(child, value);
    else if (typeof value["link"] === "string") symlinkSync(value["link"], child);
    else writeTree(child, value);
  }
  return path;
}
