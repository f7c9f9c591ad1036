import { type BigIntStats, lstatSync, readlinkSync, realpathSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { KopiaError } from "@kopia-engine/kopia-format";
import { errnoText } from "../fs/go-errno.ts";
import { type LocalEntry, entryFromStat } from "../fs/local-directory.ts";
import { formatSource, type Source } from "../model/source.ts";

/** The directory or file that a snapshot is made of. */
export interface LocalSource {
  readonly path: string;
  /** Named after the resolved path (spec 2 §7.1). */
  readonly entry: LocalEntry;
}

/**
 * Looks up the source of a snapshot; a link is resolved here, and only here (spec 2 §7.1).
 * @throws KopiaError `SOURCE_UNREADABLE`; the message is what Kopia prints, `details.kind` is `missing` or `dangling` (Kopia then
 * prints a second error, `upload error: unsupported source: …`), `unreadable` or `unsupported`.
 */
export function openLocalSource(sourcePath: string, source: Source): LocalSource {
  // Stored errors name absolute paths.
  const path = resolve(sourcePath);
  let stat = examine(path, "missing");
  let resolved = path;
  if (stat.isSymbolicLink()) {
    resolved = resolveLink(path);
    stat = examine(resolved, "dangling");
  }
  const name = basename(resolved) === "" ? "/" : basename(resolved);
  const entry = entryFromStat({ name }, stat);
  if (entry.kind !== "f" && entry.kind !== "d") throw unsupportedSource(source, path);
  return { path: resolved, entry };
}

/** What is thrown when the source or its root directory cannot be read. */
export function unreadableSource(path: string, reason: string): KopiaError {
  return new KopiaError("SOURCE_UNREADABLE", `upload error: ${reason}`, {
    details: { path, kind: "unreadable" },
  });
}

function unsupportedSource(source: Source, path: string): KopiaError {
  return new KopiaError(
    "SOURCE_UNREADABLE",
    `upload error: unsupported source: ${formatSource(source)}`,
    { details: { path, kind: "unsupported" } },
  );
}

function examine(path: string, kind: "missing" | "dangling"): BigIntStats {
  try {
    return lstatSync(path, { bigint: true });
  } catch (error) {
    const step = kind === "missing" ? "stat: " : "";
    throw new KopiaError(
      "SOURCE_UNREADABLE",
      `failed to prepare source: unable to get local filesystem entry: resolveSymlink: ${step}lstat ${path}: ${errnoText(error)}`,
      { details: { path, kind } },
    );
  }
}

/** Where a link leads, even when nothing is there. */
function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(dirname(path), readlinkSync(path));
  }
}
