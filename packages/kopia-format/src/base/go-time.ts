import { NS_PER_SECOND, type TimeNs } from "./clock.ts";
import { KopiaError } from "./errors.ts";

/** Go's zero time, 0001-01-01T00:00:00Z. */
export const GO_ZERO_TIME: TimeNs = -62_135_596_800_000_000_000n;

/** 0000-01-01T00:00:00Z and 10000-01-01T00:00:00Z: what four digits of year can say. */
const MIN_SECONDS = -62_167_219_200;
const END_SECONDS = 253_402_300_800;

const TWO_DIGITS = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, "0"));

/** Files of one directory often share a day: its text is remembered. */
const lastDay = { day: 0, text: "1970-01-01" };

/**
 * RFC 3339 in UTC with `Z`, up to nine fractional digits, trailing zeros trimmed (spec 1 §0.1).
 *
 * @throws RangeError for times outside the years 0 to 9999
 */
export function formatGoTime(time: TimeNs): string {
  const { seconds, nanoseconds } = splitTime(time);
  if (seconds < MIN_SECONDS || seconds >= END_SECONDS) {
    throw new RangeError(`the time ${time} ns lies outside the years 0 to 9999`);
  }
  const day = Math.floor(seconds / 86_400);
  const second = seconds - day * 86_400;
  const date = day === lastDay.day ? lastDay.text : dateText(day);
  const hours = TWO_DIGITS[Math.floor(second / 3600)] as string;
  const minutes = TWO_DIGITS[Math.floor(second / 60) % 60] as string;
  const wholeSeconds = `${date}T${hours}:${minutes}:${TWO_DIGITS[second % 60] as string}`;
  if (nanoseconds === 0) return `${wholeSeconds}Z`;
  return `${wholeSeconds}.${fractionDigits(nanoseconds)}Z`;
}

/**
 * Parses any strict RFC 3339 text with any offset; digits beyond nanoseconds are dropped, as Go does.
 *
 * @param where names the field in the message
 * @throws KopiaError JSON_INVALID
 */
export function parseGoTime(text: string, where = "time"): TimeNs {
  const seconds = civilSeconds(text);
  const offsetStart = skipFraction(text);
  const offsetSeconds = zoneOffset(text, offsetStart);
  if (Number.isNaN(seconds) || offsetSeconds === undefined) {
    throw new KopiaError("JSON_INVALID", `${where}: expected a time as RFC 3339 has it`, {
      details: { where, expected: "RFC 3339 time" },
    });
  }
  const digits = text.slice(20, Math.min(offsetStart, 29));
  const nanoseconds = Number(digits.padEnd(9, "0"));
  return BigInt(seconds - offsetSeconds) * NS_PER_SECOND + BigInt(nanoseconds);
}

/** The value an int64 of nanoseconds would hold: times outside 1677…2262 wrap as in Kopia (spec 2 §6.2). */
export function wrapInt64(value: bigint): bigint {
  return BigInt.asIntN(64, value);
}

/** Whole seconds since the epoch, rounded down, and the nanoseconds above them. */
export function splitTime(time: TimeNs): { seconds: number; nanoseconds: number } {
  const remainder = Number(time % NS_PER_SECOND);
  const truncated = Number(time / NS_PER_SECOND);
  return remainder < 0
    ? { seconds: truncated - 1, nanoseconds: remainder + 1e9 }
    : { seconds: truncated, nanoseconds: remainder };
}

/** Days from 1970-01-01 of a date of the Gregorian calendar; months and days out of range carry over. */
export function daysFromCivil(year: number, month: number, day: number): number {
  const carriedYear = year + Math.floor((month - 1) / 12);
  const carriedMonth = (((month - 1) % 12) + 12) % 12;
  const date = new Date(0);
  date.setUTCFullYear(carriedYear, carriedMonth, 1);
  return Math.round(date.getTime() / 86_400_000) + day - 1;
}

function dateText(day: number): string {
  lastDay.text = new Date(day * 86_400_000).toISOString().slice(0, 10);
  lastDay.day = day;
  return lastDay.text;
}

function fractionDigits(nanoseconds: number): string {
  let end = 9;
  const digits = String(nanoseconds).padStart(9, "0");
  while (digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Seconds of `2006-01-02T15:04:05` at the start of a text, NaN when it is not there. */
function civilSeconds(text: string): number {
  const separators =
    text[4] === "-" && text[7] === "-" && text[10] === "T" && text[13] === ":" && text[16] === ":";
  const year = digitsValue(text, 0, 4);
  const month = digitsValue(text, 5, 2);
  const day = digitsValue(text, 8, 2);
  const hour = digitsValue(text, 11, 2);
  const minute = digitsValue(text, 14, 2);
  const second = digitsValue(text, 17, 2);
  const leapDay = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  const daysInMonth = (MONTH_DAYS[month - 1] ?? 0) + leapDay;
  // NaN fails every comparison.
  const inRange = day >= 1 && day <= daysInMonth && hour < 24 && minute < 60 && second < 60;
  if (!separators || !inRange) return Number.NaN;
  // Date.UTC takes years below 100 as 19xx.
  const days =
    year >= 100 ? Date.UTC(year, month - 1, day) / 86_400_000 : daysFromCivil(year, month, day);
  return days * 86_400 + hour * 3600 + minute * 60 + second;
}

/** Where the zone begins: after the fraction, if there is one with at least a digit. */
function skipFraction(text: string): number {
  if (text[19] !== ".") return 19;
  let at = 20;
  while (isDigit(text.charCodeAt(at))) at++;
  return at > 20 ? at : 19;
}

/** Offset east of UTC of `Z` or `±hh:mm` at the end of a text. */
function zoneOffset(text: string, at: number): number | undefined {
  if (text[at] === "Z") return text.length === at + 1 ? 0 : undefined;
  const hours = digitsValue(text, at + 1, 2);
  const minutes = digitsValue(text, at + 4, 2);
  const wellFormed = text.length === at + 6 && text[at + 3] === ":" && hours < 24 && minutes < 60;
  if (!wellFormed) return undefined;
  const seconds = hours * 3600 + minutes * 60;
  if (text[at] === "+") return seconds;
  return text[at] === "-" ? -seconds : undefined;
}

function digitsValue(text: string, start: number, count: number): number {
  let value = 0;
  for (let i = start; i < start + count; i++) {
    const code = text.charCodeAt(i);
    if (!isDigit(code)) return Number.NaN;
    value = value * 10 + code - 0x30;
  }
  return value;
}

function isDigit(charCode: number): boolean {
  return charCode >= 0x30 && charCode <= 0x39;
}
