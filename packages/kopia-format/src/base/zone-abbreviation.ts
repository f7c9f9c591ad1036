import { readFileSync } from "node:fs";
import { ByteReader } from "./byte-reader.ts";
import { isKopiaError } from "./errors.ts";

/** Where systems keep the time zone database. */
const ZONE_DIRECTORIES = ["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo"];
const MAX_ZONE_FILE_BYTES = 2 ** 20;

/** What a TZif file (RFC 8536) says about names. */
interface ZoneNames {
  /** Unix seconds, ascending, with the type in force from then on. */
  readonly transitions: readonly { readonly atSeconds: number; readonly type: number }[];
  readonly types: readonly { readonly offsetSeconds: number; readonly name: string }[];
  /** Names after the last transition, from the POSIX rule at the end of the file. */
  readonly laterNames: readonly { readonly offsetSeconds: number; readonly name: string }[];
}

const namesByZone = new Map<string, ZoneNames | undefined>();

/**
 * The abbreviation of a zone at a moment, as Go prints it: from the time zone database (`CET`, `-03`);
 * where there is none, from ICU if it knows one, else the numeric form that Go uses for nameless zones.
 */
export function zoneAbbreviation(moment: {
  readonly zone: string;
  readonly seconds: number;
  readonly offsetSeconds: number;
}): string {
  const { zone, seconds, offsetSeconds } = moment;
  if (zone === "UTC") return "UTC";
  const name = databaseName(zoneNames(zone), seconds, offsetSeconds);
  return name ?? icuName(zone, seconds) ?? numericName(offsetSeconds);
}

function databaseName(
  names: ZoneNames | undefined,
  seconds: number,
  offsetSeconds: number,
): string | undefined {
  if (names === undefined) return undefined;
  const last = names.transitions.findLast((transition) => transition.atSeconds <= seconds);
  const type = last === undefined ? undefined : names.types[last.type];
  const candidates = type === undefined ? names.types : [type];
  const matching = [...candidates, ...names.laterNames, ...names.types].find(
    (candidate) => candidate.offsetSeconds === offsetSeconds,
  );
  return matching?.name;
}

/** ICU has names for some zones of its locale only; elsewhere it says `GMT+1`, which Go never does. */
function icuName(zone: string, seconds: number): string | undefined {
  const format = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "short" });
  const parts = format.formatToParts(new Date(seconds * 1000));
  const name = parts.find((part) => part.type === "timeZoneName")?.value;
  return name === undefined || /^GMT[+-]/.test(name) ? undefined : name;
}

/** `+03`, `-0330`: the database's own names for zones without one. */
function numericName(offsetSeconds: number): string {
  const minutes = Math.trunc(Math.abs(offsetSeconds) / 60);
  const hours = String(Math.trunc(minutes / 60)).padStart(2, "0");
  const rest = minutes % 60 === 0 ? "" : String(minutes % 60).padStart(2, "0");
  return (offsetSeconds < 0 ? "-" : "+") + hours + rest;
}

function zoneNames(zone: string): ZoneNames | undefined {
  if (!namesByZone.has(zone)) namesByZone.set(zone, readZoneNames(zone));
  return namesByZone.get(zone);
}

function readZoneNames(zone: string): ZoneNames | undefined {
  // The zone is a name that ICU accepted; still, never leave the directory.
  if (!/^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/.test(zone)) return undefined;
  for (const directory of ZONE_DIRECTORIES) {
    const names = readZoneFile(`${directory}/${zone}`);
    if (names !== undefined) return names;
  }
  return undefined;
}

function readZoneFile(path: string): ZoneNames | undefined {
  try {
    return parseZoneFile(readFileSync(path));
  } catch (error) {
    // A missing database only makes names numeric; a damaged one likewise.
    if (isKopiaError(error) || (error as NodeJS.ErrnoException).code !== undefined)
      return undefined;
    throw error;
  }
}

/** Counts in the header of a TZif block. */
interface ZoneHeader {
  readonly version: number;
  readonly utIndicators: number;
  readonly standardIndicators: number;
  readonly leapSeconds: number;
  readonly transitions: number;
  readonly types: number;
  readonly nameBytes: number;
}

/**
 * Parses a TZif file: a block with 32-bit times, and from version 2 on a second with 64-bit times followed
 * by the POSIX rule between newlines (RFC 8536 §3).
 *
 * @throws KopiaError LIMIT_EXCEEDED when bytes are missing or wrong
 */
export function parseZoneFile(bytes: Uint8Array): ZoneNames {
  const reader = new ByteReader(bytes, { code: "LIMIT_EXCEEDED", where: "time zone file" });
  if (bytes.length > MAX_ZONE_FILE_BYTES) throw reader.fail(`${bytes.length} bytes are too many`);
  const first = readHeader(reader);
  if (first.version < 2) return { ...readBlock(reader, first, 4), laterNames: [] };
  reader.skip(blockLength(first, 4));
  const second = readHeader(reader);
  const block = readBlock(reader, second, 8);
  const rule = new TextDecoder().decode(reader.bytes(reader.remaining)).trim();
  return { ...block, laterNames: posixNames(rule) };
}

function readHeader(reader: ByteReader): ZoneHeader {
  const magic = reader.u32();
  if (magic !== 0x545a6966) throw reader.fail("it does not begin with TZif");
  const version = reader.u8();
  reader.skip(15);
  return {
    version: version >= 0x32 ? version - 0x30 : 1,
    utIndicators: reader.u32(),
    standardIndicators: reader.u32(),
    leapSeconds: reader.u32(),
    transitions: reader.u32(),
    types: reader.u32(),
    nameBytes: reader.u32(),
  };
}

function blockLength(header: ZoneHeader, timeBytes: number): number {
  const tables = header.transitions * (timeBytes + 1) + header.types * 6 + header.nameBytes;
  return (
    tables + header.leapSeconds * (timeBytes + 4) + header.standardIndicators + header.utIndicators
  );
}

function readBlock(
  reader: ByteReader,
  header: ZoneHeader,
  timeBytes: 4 | 8,
): Omit<ZoneNames, "laterNames"> {
  if (blockLength(header, timeBytes) > reader.remaining)
    throw reader.fail("the tables are cut off");
  const times = Array.from({ length: header.transitions }, () => readTime(reader, timeBytes));
  const transitions = times.map((atSeconds) => ({ atSeconds, type: reader.u8() }));
  const records = Array.from({ length: header.types }, () => {
    const offsetSeconds = reader.u32() | 0;
    reader.skip(1);
    return { offsetSeconds, nameStart: reader.u8() };
  });
  const names = new TextDecoder().decode(reader.bytes(header.nameBytes));
  const types = records.map(({ offsetSeconds, nameStart }) => ({
    offsetSeconds,
    name: names.slice(nameStart).split("\0", 1)[0] ?? "",
  }));
  reader.skip(header.leapSeconds * (timeBytes + 4));
  reader.skip(header.standardIndicators + header.utIndicators);
  return { transitions, types };
}

function readTime(reader: ByteReader, timeBytes: 4 | 8): number {
  if (timeBytes === 4) return reader.u32() | 0;
  const high = reader.u32() | 0;
  return high * 2 ** 32 + reader.u32();
}

/** Names and offsets of a rule such as `CET-1CEST,M3.5.0,M10.5.0/3` or `<-03>3`. */
function posixNames(rule: string): { offsetSeconds: number; name: string }[] {
  const name = "(<[^>]+>|[A-Za-z]+)";
  const offset = String.raw`([+-]?\d+(?::\d+)*)`;
  const match = new RegExp(`^${name}${offset}(?:${name}${offset}?)?`).exec(rule);
  if (match === null) return [];
  const [, standard = "", standardOffset = "0", daylight, daylightOffset] = match;
  const standardSeconds = -posixSeconds(standardOffset);
  const names = [{ offsetSeconds: standardSeconds, name: bareName(standard) }];
  if (daylight === undefined) return names;
  const daylightSeconds =
    daylightOffset === undefined ? standardSeconds + 3600 : -posixSeconds(daylightOffset);
  return [...names, { offsetSeconds: daylightSeconds, name: bareName(daylight) }];
}

/** POSIX counts hours west of Greenwich. */
function posixSeconds(text: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = text.replace(/^[+-]/, "").split(":").map(Number);
  const absolute = hours * 3600 + minutes * 60 + seconds;
  return text.startsWith("-") ? -absolute : absolute;
}

function bareName(name: string): string {
  return name.replace(/^<(.*)>$/, "$1");
}
