import type { Bytes } from "@kopia-engine/kopia-format";
import type { DirectoryEntry, DirectoryListing, DirectorySummary } from "./directory-entry.ts";
import { JsonBytesWriter } from "./json-bytes-writer.ts";

/**
 * Encodes a listing as it is stored (spec 2 §6.1), byte for byte as Kopia does, in the order given:
 * sort with `buildDirectory` first. Decoded listings may be encoded again as they are.
 */
export function encodeDirectory(listing: DirectoryListing): Bytes {
  const writer = new JsonBytesWriter();
  writeListing(writer, listing);
  return writer.takeAll();
}

/**
 * As `encodeDirectory`, in pieces of about 64 KiB, for directories of millions of entries.
 * A piece is only valid during the call: its buffer is reused.
 */
export function writeDirectory(
  listing: DirectoryListing,
  write: (piece: Uint8Array) => void,
): void {
  const writer = new JsonBytesWriter(write);
  writeListing(writer, listing);
  writer.flush();
}

/** One entry as JSON bytes, as it stands in a listing (spec 2 §6.2). */
export function encodeEntry(entry: DirectoryEntry): Bytes {
  const writer = new JsonBytesWriter();
  writeEntry(writer, entry);
  return writer.takeAll();
}

function writeListing(writer: JsonBytesWriter, listing: DirectoryListing): void {
  writer.raw('{"stream":"kopia:directory","entries":');
  if (listing.entries.length === 0) {
    writer.raw("null");
  } else {
    let separator = "[";
    for (const entry of listing.entries) {
      writer.raw(separator);
      writeEntry(writer, entry);
      separator = ",";
    }
    writer.raw("]");
  }
  if (listing.summary === undefined) {
    writer.raw(',"summary":null}\n');
    return;
  }
  writer.raw(',"summary":');
  writeSummary(writer, listing.summary);
  writer.raw("}\n");
}

/** Zero values are left out, except `obj` (spec 2 §6.2). */
function writeEntry(writer: JsonBytesWriter, entry: DirectoryEntry): void {
  writer.raw("{");
  if (entry.name !== "") {
    writer.raw('"name":');
    writer.rawText(entry.name, entry.nameBytes);
    writer.raw(",");
  }
  if (entry.type !== "") {
    writer.raw('"type":');
    writer.text(entry.type);
    writer.raw(",");
  }
  if (entry.mode !== 0) writer.raw(`"mode":"0${entry.mode.toString(8)}",`);
  if (entry.sizeBytes !== 0n) writer.raw(`"size":${entry.sizeBytes},`);
  if (entry.modTime !== 0n) {
    writer.raw('"mtime":');
    writer.time(entry.modTime);
    writer.raw(",");
  }
  if (entry.uid !== 0) writer.raw(`"uid":${entry.uid},`);
  if (entry.gid !== 0) writer.raw(`"gid":${entry.gid},`);
  writer.raw('"obj":');
  writer.text(entry.objectId);
  if (entry.summary !== undefined) {
    writer.raw(',"summ":');
    writeSummary(writer, entry.summary);
  }
  writer.raw("}");
}

function writeSummary(writer: JsonBytesWriter, summary: DirectorySummary): void {
  writer.raw(`{"size":${summary.totalFileSizeBytes},"files":${summary.fileCount}`);
  writer.raw(`,"symlinks":${summary.symlinkCount},"dirs":${summary.directoryCount},"maxTime":`);
  writer.time(summary.maxModTime);
  if (summary.incomplete !== undefined && summary.incomplete !== "") {
    writer.raw(',"incomplete":');
    writer.text(summary.incomplete);
  }
  writer.raw(`,"numFailed":${summary.fatalErrorCount}`);
  if (summary.ignoredErrorCount !== 0) {
    writer.raw(`,"numIgnoredErrors":${summary.ignoredErrorCount}`);
  }
  if (summary.failedEntries.length > 0) {
    let separator = ',"errors":[';
    for (const { path, pathBytes, error } of summary.failedEntries) {
      writer.raw(`${separator}{"path":`);
      writer.rawText(path, pathBytes);
      writer.raw(',"error":');
      writer.text(error);
      writer.raw("}");
      separator = ",";
    }
    writer.raw("]");
  }
  writer.raw("}");
}
