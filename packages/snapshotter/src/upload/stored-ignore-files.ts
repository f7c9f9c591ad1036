import type { ObjectStore } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { IgnoreDirectory } from "../policy/ignore-context.ts";

const READ_BYTES = 2 ** 24 + 1;

/** Reads the files of a stored directory that ignore rules may ask for: `names`, as far as they are there. */
export async function readStoredIgnoreFiles(
  objects: ObjectStore,
  entries: readonly DirectoryEntry[],
  names: ReadonlySet<string>,
): Promise<IgnoreDirectory> {
  const files = new Map<string, Uint8Array>();
  for (const { name, type, objectId } of entries)
    if (type === "f" && names.has(name)) files.set(name, await readStart(objects, objectId));
  return {
    readFile: (name, { maxLengthBytes }) => files.get(name)?.subarray(0, maxLengthBytes),
  };
}

async function readStart(objects: ObjectStore, objectId: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  const reader = await objects.openObject(objectId);
  for await (const piece of reader.chunks()) {
    pieces.push(piece.slice());
    lengthBytes += piece.length;
    if (lengthBytes >= READ_BYTES) break;
  }
  return Buffer.concat(pieces);
}
