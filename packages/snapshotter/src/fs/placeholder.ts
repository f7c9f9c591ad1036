import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import {
  asObject,
  errorMessage,
  goDecodeUtf8,
  isKopiaError,
  KopiaError,
  parseJson,
  utf8Encode,
  type Bytes,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import { EntryFormatter } from "../model/entry-formatter.ts";
import { entryFromJson } from "../model/entry-json.ts";
import { errnoText } from "./go-errno.ts";
import {
  displayPath,
  joinLocalPath,
  nodePath,
  type LocalName,
  type LocalPath,
} from "./local-path.ts";

/** End of the name of a placeholder, and the whole name of the file in a directory's placeholder (spec 2 §10.7). */
export const PLACEHOLDER_SUFFIX = ".kopia-entry";

const MAX_NAME_BYTES = 255;
/** A summary with ten failed entries takes some KiB; nothing that Kopia writes comes near this. */
const MAX_PLACEHOLDER_BYTES = 2 ** 24;
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Name of the placeholder of an entry; `undefined` where a file system takes no name as long. */
export function placeholderNameOf(name: string): string | undefined {
  const placeholder = `${name}${PLACEHOLDER_SUFFIX}`;
  return Buffer.byteLength(placeholder) <= MAX_NAME_BYTES ? placeholder : undefined;
}

/** Whether a local entry stands for one that a shallow restore left out. */
export function isPlaceholder({
  name,
  kind,
}: {
  readonly name: string;
  readonly kind: string;
}): boolean {
  return (kind === "f" || kind === "d") && name.endsWith(PLACEHOLDER_SUFFIX);
}

/** What stands in a placeholder: the entry as a listing has it, and a line feed (spec 2 §10.7). */
export function encodePlaceholder(entry: DirectoryEntry): Bytes {
  return utf8Encode(`${new EntryFormatter().entry(entry)}\n`);
}

/** Name of the entry that a placeholder stands for; empty for the file in a directory's placeholder. */
export function nameBehindPlaceholder(local: LocalName): LocalName {
  const { name, nameBytes } = local;
  if (nameBytes === undefined) return { name: name.slice(0, -PLACEHOLDER_SUFFIX.length) };
  const bytes = nameBytes.subarray(0, -PLACEHOLDER_SUFFIX.length);
  return { name: goDecodeUtf8(bytes), nameBytes: bytes };
}

/** Where the entry of a placeholder is written: itself, or for a directory the file in it. */
export function placeholderFileOf(path: LocalPath, kind: "f" | "d"): LocalPath {
  return kind === "f" ? path : joinLocalPath(path, { name: PLACEHOLDER_SUFFIX });
}

/**
 * Reads the entry that a placeholder stands for.
 * @param kind what the placeholder itself is: the entry must be the same.
 * @throws KopiaError `RESTORE_FAILED` when it cannot be read or does not hold an entry of this kind.
 */
export function readPlaceholder(path: LocalPath, kind: "f" | "d"): DirectoryEntry {
  const file = placeholderFileOf(path, kind);
  const where = displayPath(file);
  const data = readSmallFile(file);
  let entry: DirectoryEntry;
  try {
    entry = entryFromJson(
      asObject(parseJson(data, { where, trailingData: "ignore" }), where),
      where,
    );
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    throw new KopiaError("RESTORE_FAILED", `placeholder ${errorMessage(error)}`, {
      cause: error,
      details: { path: where },
    });
  }
  const isSound = entry.type === kind && entry.objectId.startsWith("k") === (kind === "d");
  if (isSound) return entry;
  throw new KopiaError(
    "RESTORE_FAILED",
    `placeholder ${where}: expected the entry of a ${kind === "d" ? "directory" : "file"}, found type ${JSON.stringify(entry.type)} with object ${JSON.stringify(entry.objectId)}`,
    { details: { path: where } },
  );
}

function readSmallFile(path: LocalPath): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(nodePath(path), OPEN_FLAGS);
    const { size } = fstatSync(fd);
    if (size <= MAX_PLACEHOLDER_BYTES) return readFileSync(fd);
  } catch (error) {
    const text = `reading placeholder: open ${displayPath(path)}: ${errnoText(error)}`;
    throw new KopiaError("RESTORE_FAILED", text, { cause: error });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
  throw new KopiaError(
    "RESTORE_FAILED",
    `placeholder ${displayPath(path)} is larger than ${MAX_PLACEHOLDER_BYTES} bytes, which no placeholder is`,
  );
}
