import { LittleEndianWriter } from "./little-endian-writer.ts";

/** What the directory of a zip archive knows of a member. */
export interface ZipMember {
  readonly name: Uint8Array;
  /** 0 stored, 8 deflate. */
  readonly method: 0 | 8;
  /** `st_mode` with the file type. */
  readonly unixMode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since the epoch. */
  readonly modTimeSeconds: number;
  /** Where its local header begins. */
  readonly offsetBytes: number;
  crc32: number;
  compressedBytes: number;
  sizeBytes: number;
}

const LOCAL_HEADER = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL_HEADER = 0x02014b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
const END = 0x06054b50;
const VERSION_ZIP64 = 45;
const MADE_BY_UNIX = 3 << 8;
/** Sizes follow the data, and names are UTF-8. */
const FLAGS = 0x0008 | 0x0800;
const EXTRA_ZIP64 = 0x0001;
const EXTRA_TIMESTAMP = 0x5455;
const EXTRA_OWNER = 0x7875;
const MAX_32 = 0xffff_ffff;
const MAX_16 = 0xffff;

/** The header before a member's data; its sizes are not known yet. */
export function localHeader(member: ZipMember): Uint8Array {
  const extra = extraFields(member, []);
  return (
    new LittleEndianWriter()
      .u32(LOCAL_HEADER)
      .u16(VERSION_ZIP64)
      .u16(FLAGS)
      .u16(member.method)
      .u32(dosTime(member.modTimeSeconds))
      .u32(0)
      .u32(MAX_32)
      .u32(MAX_32)
      .u16(member.name.length)
      .u16(extra.length + 20)
      .bytes(member.name)
      // With this field in the local header the sizes after the data have 8 bytes.
      .u16(EXTRA_ZIP64)
      .u16(16)
      .u64(0)
      .u64(0)
      .bytes(extra)
      .finish()
  );
}

/** The sizes and checksum after a member's data. */
export function dataDescriptor(member: ZipMember): Uint8Array {
  return new LittleEndianWriter()
    .u32(DESCRIPTOR)
    .u32(member.crc32)
    .u64(member.compressedBytes)
    .u64(member.sizeBytes)
    .finish();
}

/** A member's entry in the directory at the end. */
export function centralHeader(member: ZipMember): Uint8Array {
  const { sizeBytes, compressedBytes, offsetBytes } = member;
  const large = [sizeBytes, compressedBytes, offsetBytes].filter((value) => value >= MAX_32);
  const extra = extraFields(member, large);
  return new LittleEndianWriter()
    .u32(CENTRAL_HEADER)
    .u16(MADE_BY_UNIX | VERSION_ZIP64)
    .u16(VERSION_ZIP64)
    .u16(FLAGS)
    .u16(member.method)
    .u32(dosTime(member.modTimeSeconds))
    .u32(member.crc32)
    .u32(Math.min(compressedBytes, MAX_32))
    .u32(Math.min(sizeBytes, MAX_32))
    .u16(member.name.length)
    .u16(extra.length)
    .u16(0)
    .u16(0)
    .u16(0)
    .u32(member.unixMode * 2 ** 16)
    .u32(Math.min(offsetBytes, MAX_32))
    .bytes(member.name)
    .bytes(extra)
    .finish();
}

/** The end of an archive whose directory begins at an offset. */
export function endOfDirectory(end: {
  readonly memberCount: number;
  readonly offsetBytes: number;
  readonly lengthBytes: number;
}): Uint8Array {
  const { memberCount, offsetBytes, lengthBytes } = end;
  const writer = new LittleEndianWriter();
  const is64 = memberCount >= MAX_16 || offsetBytes >= MAX_32 || lengthBytes >= MAX_32;
  if (is64) {
    writer
      .u32(END_64)
      .u64(44)
      .u16(MADE_BY_UNIX | VERSION_ZIP64)
      .u16(VERSION_ZIP64)
      .u32(0)
      .u32(0)
      .u64(memberCount)
      .u64(memberCount)
      .u64(lengthBytes)
      .u64(offsetBytes)
      .u32(LOCATOR_64)
      .u32(0)
      .u64(offsetBytes + lengthBytes)
      .u32(1);
  }
  return writer
    .u32(END)
    .u16(0)
    .u16(0)
    .u16(Math.min(memberCount, MAX_16))
    .u16(Math.min(memberCount, MAX_16))
    .u32(Math.min(lengthBytes, MAX_32))
    .u32(Math.min(offsetBytes, MAX_32))
    .u16(0)
    .finish();
}

/** 64-bit values where they are needed, the time in UTC (where it fits), the owner. */
function extraFields(member: ZipMember, large: readonly number[]): Uint8Array {
  const writer = new LittleEndianWriter();
  if (large.length > 0) {
    writer.u16(EXTRA_ZIP64).u16(8 * large.length);
    for (const value of large) writer.u64(value);
  }
  if (member.modTimeSeconds >= 0 && member.modTimeSeconds < 2 ** 31)
    writer.u16(EXTRA_TIMESTAMP).u16(5).u8(1).u32(member.modTimeSeconds);
  return writer.u16(EXTRA_OWNER).u16(11).u8(1).u8(4).u32(member.uid).u8(4).u32(member.gid).finish();
}

/** Date and time of MS-DOS, in UTC: 1980 to 2107, even seconds. Readers prefer the extra field. */
function dosTime(seconds: number): number {
  const date = new Date(seconds * 1000);
  const year = Math.min(Math.max(date.getUTCFullYear(), 1980), 2107);
  const day = (year - 1980) * 512 + (date.getUTCMonth() + 1) * 32 + date.getUTCDate();
  const time =
    date.getUTCHours() * 2048 + date.getUTCMinutes() * 32 + Math.floor(date.getUTCSeconds() / 2);
  return day * 65_536 + time;
}
