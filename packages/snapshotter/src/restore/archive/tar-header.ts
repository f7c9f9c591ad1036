import { utf8Encode, type Bytes, concatBytes, NS_PER_SECOND } from "@kopia-engine/kopia-format";

/** Tar counts in blocks of 512 bytes. */
export const TAR_BLOCK_BYTES = 512;

/** One member of a tar archive, POSIX.1-2001 (pax). */
export interface TarMember {
  /** Ends in `/` for a directory. */
  readonly path: string;
  readonly type: "file" | "directory" | "symlink";
  /** The twelve POSIX bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  /** Nanoseconds since the epoch. */
  readonly modTimeNs: bigint;
  /** Target of a symbolic link, as bytes. */
  readonly linkTarget?: Uint8Array;
}

/** Offsets and lengths of the fields of a ustar header. */
const LAYOUT = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
} as const;

const TYPE_FLAGS = { file: "0", directory: "5", symlink: "2" } as const;

/**
 * The header of a member, with a pax header before it for what the old fields cannot hold: long or
 * non-ASCII names, sizes from 8 GiB, large owners, and parts of a second.
 */
export function encodeTarHeader(member: TarMember): Bytes {
  const name = utf8Encode(member.path);
  const link = member.linkTarget ?? new Uint8Array(0);
  const seconds = floorDivide(member.modTimeNs, NS_PER_SECOND);
  const records: Uint8Array[] = [];
  if (!fits(name, LAYOUT.name[1])) records.push(paxRecord("path", name));
  if (!fits(link, LAYOUT.linkName[1])) records.push(paxRecord("linkpath", link));
  if (!fitsOctal(member.sizeBytes, LAYOUT.size[1]))
    records.push(paxRecord("size", utf8Encode(String(member.sizeBytes))));
  if (!fitsOctal(member.uid, LAYOUT.uid[1]))
    records.push(paxRecord("uid", utf8Encode(String(member.uid))));
  if (!fitsOctal(member.gid, LAYOUT.gid[1]))
    records.push(paxRecord("gid", utf8Encode(String(member.gid))));
  if (seconds * NS_PER_SECOND !== member.modTimeNs || seconds < 0n)
    records.push(paxRecord("mtime", utf8Encode(decimalSeconds(member.modTimeNs))));
  const own = ustarHeader(member, { name, link, seconds });
  if (records.length === 0) return own;
  return concatBytes(...paxMember(records), own);
}

/** Zeros that fill the last block of a member's data. */
export function tarPadding(sizeBytes: number): Bytes {
  return new Uint8Array((TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** The end of an archive: two blocks of zeros. */
export function tarEnd(): Bytes {
  return new Uint8Array(2 * TAR_BLOCK_BYTES);
}

function paxMember(records: readonly Uint8Array[]): Uint8Array[] {
  const body = concatBytes(...records);
  const header = new Uint8Array(TAR_BLOCK_BYTES);
  putText(header, LAYOUT.name, "PaxHeaders/entry");
  putOctal(header, LAYOUT.mode, 0o644);
  putOctal(header, LAYOUT.uid, 0);
  putOctal(header, LAYOUT.gid, 0);
  putOctal(header, LAYOUT.size, body.length);
  putOctal(header, LAYOUT.mtime, 0);
  seal(header, "x");
  return [header, body, tarPadding(body.length)];
}

function ustarHeader(
  member: TarMember,
  { name, link, seconds }: { name: Uint8Array; link: Uint8Array; seconds: bigint },
): Bytes {
  const header = new Uint8Array(TAR_BLOCK_BYTES);
  // What does not fit is cut: readers take it from the pax header.
  header.set(name.subarray(0, LAYOUT.name[1]), LAYOUT.name[0]);
  header.set(link.subarray(0, LAYOUT.linkName[1]), LAYOUT.linkName[0]);
  putOctal(header, LAYOUT.mode, member.mode);
  putOctal(header, LAYOUT.uid, member.uid);
  putOctal(header, LAYOUT.gid, member.gid);
  putOctal(header, LAYOUT.size, member.sizeBytes);
  putOctal(header, LAYOUT.mtime, seconds < 0n ? 0 : Number(seconds));
  seal(header, TYPE_FLAGS[member.type]);
  return header;
}

/** Type, magic and checksum: the sum of all bytes with the checksum's own taken as blanks. */
function seal(header: Uint8Array, typeFlag: string): void {
  putText(header, LAYOUT.type, typeFlag);
  putText(header, LAYOUT.magic, "ustar\u000000");
  putText(header, LAYOUT.checksum, "        ");
  const sum = header.reduce((total, byte) => total + byte, 0);
  putText(header, LAYOUT.checksum, `${sum.toString(8).padStart(6, "0")}\u0000 `);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Uint8Array): Bytes {
  const rest = concatBytes(utf8Encode(` ${key}=`), value, utf8Encode("\n"));
  let digits = 1;
  while (String(rest.length + digits).length > digits) digits++;
  return concatBytes(utf8Encode(String(rest.length + digits)), rest);
}

function fits(text: Uint8Array, lengthBytes: number): boolean {
  return text.length <= lengthBytes && text.every((byte) => byte < 0x80);
}

function fitsOctal(value: number, lengthBytes: number): boolean {
  return value >= 0 && value < 8 ** (lengthBytes - 1);
}

function putOctal(header: Uint8Array, field: readonly [number, number], value: number): void {
  const digits = field[1] - 1;
  const shown = value >= 0 && value < 8 ** digits ? value : 0;
  putText(header, field, shown.toString(8).padStart(digits, "0"));
}

function putText(header: Uint8Array, [offset]: readonly [number, number], text: string): void {
  header.set(utf8Encode(text), offset);
}

function decimalSeconds(ns: bigint): string {
  const seconds = floorDivide(ns, NS_PER_SECOND);
  const fraction = ns - seconds * NS_PER_SECOND;
  if (seconds >= 0n) return `${seconds}.${String(fraction).padStart(9, "0")}`;
  // Before 1970 the whole number, sign first: -1.5 is half a second before -1.
  const positive = -ns;
  const whole = positive / NS_PER_SECOND;
  return `-${whole}.${String(positive - whole * NS_PER_SECOND).padStart(9, "0")}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}
