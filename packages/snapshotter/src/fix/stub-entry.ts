import { goMarshalIndent, utf8Encode, type ObjectWriterStore } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { entryToJson } from "../model/entry-json.ts";

const INFO = "Kopia replaced the original entry with this stub because of an error.";
const NAME_PREFIX = ".INVALID.";
/** Kopia indents by four, with two before every line but the first. */
const INDENT = "    ";
const LINE_PREFIX = "  ";

/**
 * A file that stands for an entry that cannot be read: its text says why and what was there (spec 3 §3.3).
 * The object is written.
 */
export function writeStubEntry(
  objects: ObjectWriterStore,
  entry: DirectoryEntry,
  error: string,
): DirectoryEntry {
  const json = goMarshalIndent({ info: INFO, error, entry: entryToJson(entry) }, INDENT);
  const data = utf8Encode(`${json.replaceAll("\n", `\n${LINE_PREFIX}`)}\n`);
  return {
    name: `${NAME_PREFIX}${entry.name}`,
    type: "f",
    mode: entry.mode,
    sizeBytes: BigInt(data.length),
    modTime: entry.modTime,
    uid: entry.uid,
    gid: entry.gid,
    objectId: objects.writeObject(data),
  };
}
