import {
  asArray,
  asBigInteger,
  asInteger,
  asObject,
  asString,
  field,
  formatGoTime,
  KopiaError,
  parseGoTime,
  wrapInt64,
  type JsonInput,
  type JsonObject,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import type { DirectoryEntry, DirectorySummary, FailedEntry } from "./directory-entry.ts";

/** A JSON object for output: keys in this order, `undefined` left out. */
export type JsonOutput = { readonly [key: string]: JsonInput | undefined };

const MAX_UINT32 = 2 ** 32 - 1;
const MAX_MODE = 2 ** 31 - 1;

/**
 * Reads an entry from parsed JSON (spec 2 §6.2); absent fields are zero, unknown ones are ignored.
 * @throws KopiaError `JSON_INVALID`.
 */
export function entryFromJson(json: JsonObject, where: string): DirectoryEntry {
  const mode = field(json, "mode");
  const modTime = field(json, "mtime");
  const summary = field(json, "summ");
  return {
    name: optionalString(json, "name", where),
    type: optionalString(json, "type", where),
    mode: mode === undefined ? 0 : parseEntryMode(asString(mode, `${where}.mode`), where),
    sizeBytes: asBigInteger(field(json, "size") ?? 0, `${where}.size`),
    modTime: modTime === undefined ? 0n : timeFromJson(modTime, `${where}.mtime`),
    uid: asUint32(json, "uid", where),
    gid: asUint32(json, "gid", where),
    objectId: optionalString(json, "obj", where),
    ...(summary === undefined
      ? {}
      : { summary: summaryFromJson(asObject(summary, `${where}.summ`), `${where}.summ`) }),
  };
}

/** Reads a summary from parsed JSON (spec 2 §6.7). @throws KopiaError `JSON_INVALID`. */
export function summaryFromJson(json: JsonObject, where: string): DirectorySummary {
  const count = (name: string): number => asInteger(field(json, name) ?? 0, `${where}.${name}`);
  const maxTime = field(json, "maxTime");
  const incomplete = optionalString(json, "incomplete", where);
  return {
    totalFileSizeBytes: asBigInteger(field(json, "size") ?? 0, `${where}.size`),
    fileCount: count("files"),
    symlinkCount: count("symlinks"),
    directoryCount: count("dirs"),
    maxModTime: maxTime === undefined ? 0n : timeFromJson(maxTime, `${where}.maxTime`),
    ...(incomplete === "" ? {} : { incomplete }),
    fatalErrorCount: count("numFailed"),
    ignoredErrorCount: count("numIgnoredErrors"),
    failedEntries: failuresFromJson(json, where),
  };
}

/** Reads a time and wraps it to int64 nanoseconds, as Kopia holds it. @throws KopiaError `JSON_INVALID`. */
export function timeFromJson(value: Parameters<typeof asString>[0], where: string): TimeNs {
  return wrapInt64(parseGoTime(asString(value, where), where));
}

/**
 * Reads a mode: an integer with C-style base prefix that fits int32 (spec 2 §6.3).
 * @throws KopiaError `JSON_INVALID`.
 */
export function parseEntryMode(text: string, where: string): number {
  const octal = /^0[oO]?([0-7]+)$/.exec(text)?.[1];
  const isNumber = /^(?:0|[1-9]\d*|0[xX][0-9a-fA-F]+|0[bB][01]+)$/.test(text);
  const mode = octal !== undefined ? Number.parseInt(octal, 8) : isNumber ? Number(text) : NaN;
  if (mode <= MAX_MODE) return mode;
  throw new KopiaError("JSON_INVALID", `${where}.mode: expected an octal mode, found "${text}"`, {
    details: { where },
  });
}

/** An entry as JSON for output (spec 2 §6.2). */
export function entryToJson(entry: DirectoryEntry): JsonOutput {
  return {
    name: entry.name || undefined,
    type: entry.type || undefined,
    mode: entry.mode === 0 ? undefined : `0${entry.mode.toString(8)}`,
    size: entry.sizeBytes || undefined,
    mtime: entry.modTime === 0n ? undefined : timeToJson(entry.modTime),
    uid: entry.uid || undefined,
    gid: entry.gid || undefined,
    obj: entry.objectId,
    summ: entry.summary === undefined ? undefined : summaryToJson(entry.summary),
  };
}

/** A summary as JSON for output (spec 2 §6.7). */
export function summaryToJson(summary: DirectorySummary): JsonOutput {
  const { failedEntries } = summary;
  return {
    size: summary.totalFileSizeBytes,
    files: summary.fileCount,
    symlinks: summary.symlinkCount,
    dirs: summary.directoryCount,
    maxTime: timeToJson(summary.maxModTime),
    incomplete: summary.incomplete || undefined,
    numFailed: summary.fatalErrorCount,
    numIgnoredErrors: summary.ignoredErrorCount || undefined,
    errors:
      failedEntries.length === 0
        ? undefined
        : failedEntries.map(({ path, error }) => ({ path, error })),
  };
}

/** A time as stored: RFC 3339, wrapped to int64 nanoseconds. */
export function timeToJson(time: TimeNs): string {
  return formatGoTime(wrapInt64(time));
}

function failuresFromJson(json: JsonObject, where: string): FailedEntry[] {
  const errors = field(json, "errors");
  if (errors === undefined) return [];
  return asArray(errors, `${where}.errors`).map((error, index) => {
    const place = `${where}.errors[${index}]`;
    const failure = asObject(error, place);
    return {
      path: optionalString(failure, "path", place),
      error: optionalString(failure, "error", place),
    };
  });
}

function optionalString(json: JsonObject, name: string, where: string): string {
  // Lone surrogate escapes become U+FFFD, as in Go.
  return asString(field(json, name) ?? "", `${where}.${name}`).toWellFormed();
}

function asUint32(json: JsonObject, name: string, where: string): number {
  const value = asInteger(field(json, name) ?? 0, `${where}.${name}`);
  if (value >= 0 && value <= MAX_UINT32) return value;
  throw new KopiaError("JSON_INVALID", `${where}.${name}: ${value} does not fit 32 bits`, {
    details: { where, value },
  });
}
