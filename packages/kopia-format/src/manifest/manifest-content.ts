import { compareBytes, utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import type { TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { goQuote } from "../base/go-json.ts";
import { formatGoTime, parseGoTime } from "../base/go-time.ts";
import {
  compactJson,
  jsonElements,
  jsonMembers,
  jsonValueEnd,
  skipJsonSpace,
  type JsonSpan,
} from "../base/json-scan.ts";
import type { Compressor } from "../compression/compressor.ts";
import { compressorByName } from "../compression/registry.ts";
import type { ManifestId, ManifestLabels } from "./manifest-store.ts";

/** One item of a manifest content (spec 2 §4.2). */
export interface ManifestItem {
  readonly id: ManifestId;
  /** Empty for a tombstone. Without prototype: any key is only a key. */
  readonly labels: ManifestLabels;
  readonly modified: TimeNs;
  /** A tombstone: says that the manifest was deleted. */
  readonly deleted: boolean;
  /** The payload's JSON text exactly as stored; `null` for a tombstone. */
  readonly data: Bytes;
}

/** 100,000 snapshots of 2 KiB each; above that something is wrong. */
const MAX_CONTENT_BYTES = 2 ** 28;
const NULL_JSON = utf8Encode("null");

/**
 * The bytes of a manifest content: gzip over one JSON document (spec 2 §4.2). Payloads are copied as they
 * are, compacted and with HTML escapes, never decoded (spec 2, additions to §4.5).
 */
export function encodeManifestContent(items: readonly ManifestItem[]): Bytes {
  const parts: Uint8Array[] = [utf8Encode('{"entries":[')];
  items.forEach((item, index) => {
    parts.push(utf8Encode(`${index === 0 ? "" : ","}${itemHead(item)}`));
    parts.push(compactJson(item.data), utf8Encode("}"));
  });
  parts.push(utf8Encode("]}\n"));
  return gzip().compress(joinParts(parts));
}

/** A payload as it is stored. @throws KopiaError `MANIFEST_INVALID` when it is not one JSON value. */
export function encodePayload(payload: string): Bytes {
  try {
    return compactJson(utf8Encode(payload));
  } catch (error) {
    throw new KopiaError("MANIFEST_INVALID", "the payload of a manifest is not valid JSON", {
      cause: error,
    });
  }
}

/** A tombstone (spec 2 §4.4). */
export function tombstone(id: ManifestId, modified: TimeNs): ManifestItem {
  return { id, labels: noLabels(), modified, deleted: true, data: NULL_JSON };
}

/**
 * Reads a manifest content.
 * @param where names the content in messages.
 * @throws KopiaError `MANIFEST_CORRUPT`.
 */
export function decodeManifestContent(content: Uint8Array, where: string): ManifestItem[] {
  try {
    return decodeItems(gzip().decompress(content, MAX_CONTENT_BYTES));
  } catch (error) {
    throw new KopiaError("MANIFEST_CORRUPT", `manifest content ${where} cannot be read`, {
      details: { where },
      cause: error,
    });
  }
}

function decodeItems(json: Bytes): ManifestItem[] {
  let entries: JsonSpan | undefined;
  const start = skipJsonSpace(json, 0);
  jsonValueEnd(json, start);
  for (const { key, value } of jsonMembers(json, start)) {
    if (key.toLowerCase() !== "entries") continue;
    if (entries !== undefined) throw invalid("it has entries twice");
    entries = value;
  }
  if (entries === undefined) throw invalid("it has no entries");
  const items: ManifestItem[] = [];
  for (const span of jsonElements(json, entries.start)) {
    items.push(decodeItem(json, span, items.length));
  }
  return items;
}

function decodeItem(json: Bytes, span: JsonSpan, index: number): ManifestItem {
  let id: unknown;
  let modified: unknown;
  let deleted: unknown = false;
  let labels = noLabels();
  let data = NULL_JSON;
  for (const { key, value } of jsonMembers(json, span.start)) {
    // Go matches keys without regard to case.
    const name = key.toLowerCase();
    if (name === "id") id = parseSpan(json, value);
    else if (name === "modified") modified = parseSpan(json, value);
    else if (name === "deleted") deleted = parseSpan(json, value) ?? false;
    else if (name === "labels") labels = decodeLabels(json, value);
    else if (name === "data") data = json.slice(value.start, value.end);
  }
  if (typeof id !== "string" || id === "") throw invalid(`entry ${index} has no id`);
  if (typeof modified !== "string") throw invalid(`entry ${index} has no modified time`);
  if (typeof deleted !== "boolean") throw invalid(`deleted of entry ${index} is no boolean`);
  return {
    id,
    labels,
    modified: parseGoTime(modified, `modified of entry ${index}`),
    deleted,
    data,
  };
}

function decodeLabels(json: Bytes, span: JsonSpan): ManifestLabels {
  const labels = noLabels();
  if (isNull(json, span)) return labels;
  for (const { key, value } of jsonMembers(json, span.start)) {
    const text = parseSpan(json, value);
    if (typeof text !== "string") throw invalid(`label ${JSON.stringify(key)} is no string`);
    labels[key] = text;
  }
  return labels;
}

// For scalars only: nothing else is decoded.
function parseSpan(json: Bytes, span: JsonSpan): unknown {
  return JSON.parse(utf8Decode(json.subarray(span.start, span.end)));
}

function isNull(json: Bytes, span: JsonSpan): boolean {
  return span.end - span.start === NULL_JSON.length && json[span.start] === NULL_JSON[0];
}

function itemHead(item: ManifestItem): string {
  const labels = item.deleted ? "null" : labelsJson(item.labels);
  const deleted = item.deleted ? ',"deleted":true' : "";
  return `{"id":${goQuote(item.id)},"labels":${labels},"modified":"${formatGoTime(item.modified)}"${deleted},"data":`;
}

function labelsJson(labels: ManifestLabels): string {
  const members = Object.keys(labels)
    .sort(compareUtf8)
    .map((key) => `${goQuote(key)}:${goQuote(labels[key] as string)}`);
  return `{${members.join(",")}}`;
}

/** Go sorts keys by their UTF-8 bytes, which differs from UTF-16 order beyond U+FFFF. */
function compareUtf8(a: string, b: string): number {
  return compareBytes(utf8Encode(a), utf8Encode(b));
}

function noLabels(): Record<string, string> {
  return Object.create(null) as Record<string, string>;
}

function joinParts(parts: readonly Uint8Array[]): Bytes {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

function gzip(): Compressor {
  return compressorByName("gzip") as Compressor;
}

function invalid(what: string): KopiaError {
  return new KopiaError("JSON_INVALID", `not a manifest document: ${what}`);
}
