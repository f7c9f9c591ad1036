import { goQuote, goQuoteBytes, type TimeNs, NS_PER_SECOND } from "@kopia-engine/kopia-format";
import type { DirectoryEntry, DirectorySummary, FailedEntry } from "./directory-entry.ts";

const SECONDS_PER_DAY = 86_400;

/** Characters that do not stand for themselves in a string: these and everything below the space (spec 2 §6.4). */
const ESCAPED = /["\\<>&\u2028\u2029]|[^ -\uffff]/;
const TWO_DIGITS = Array.from({ length: 100 }, (_, value) => String(value).padStart(2, "0"));
const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => String(value).padStart(3, "0"));

/**
 * Writes entries and summaries as JSON text, byte for byte as Kopia does (spec 2 §6.2–§6.7). Made for speed:
 * listings have hundreds of thousands of entries. Remembers the last date, since neighbours often share it.
 */
export class EntryFormatter {
  #lastDay = NaN;
  #lastDate = "";

  /** An entry (spec 2 §6.2). Zero values are left out, except `obj`. */
  entry(entry: DirectoryEntry): string {
    let text = "{";
    if (entry.name !== "") text += `"name":${quoteRaw(entry.name, entry.nameBytes)},`;
    if (entry.type !== "") text += `"type":${quote(entry.type)},`;
    if (entry.mode !== 0) text += `"mode":"0${entry.mode.toString(8)}",`;
    if (entry.sizeBytes !== 0n) text += `"size":${entry.sizeBytes},`;
    if (entry.modTime !== 0n) text += `"mtime":${this.time(entry.modTime)},`;
    if (entry.uid !== 0) text += `"uid":${entry.uid},`;
    if (entry.gid !== 0) text += `"gid":${entry.gid},`;
    text += `"obj":${quote(entry.objectId)}`;
    if (entry.summary !== undefined) text += `,"summ":${this.summary(entry.summary)}`;
    return `${text}}`;
  }

  /** A summary (spec 2 §6.7). */
  summary(summary: DirectorySummary): string {
    const { incomplete = "", ignoredErrorCount, failedEntries } = summary;
    let text = `{"size":${summary.totalFileSizeBytes},"files":${summary.fileCount}`;
    text += `,"symlinks":${summary.symlinkCount},"dirs":${summary.directoryCount}`;
    text += `,"maxTime":${this.time(summary.maxModTime)}`;
    if (incomplete !== "") text += `,"incomplete":${quote(incomplete)}`;
    text += `,"numFailed":${summary.fatalErrorCount}`;
    if (ignoredErrorCount !== 0) text += `,"numIgnoredErrors":${ignoredErrorCount}`;
    if (failedEntries.length > 0) text += `,"errors":[${failedEntries.map(failure).join(",")}]`;
    return `${text}}`;
  }

  /** A time: RFC 3339 in UTC, trailing zeros trimmed; wrapped to int64 nanoseconds as in Kopia. */
  time(time: TimeNs): string {
    const wrapped = BigInt.asIntN(64, time);
    let seconds = Number(wrapped / NS_PER_SECOND);
    let nanoseconds = Number(wrapped % NS_PER_SECOND);
    if (nanoseconds < 0) {
      seconds -= 1;
      nanoseconds += 1e9;
    }
    const day = Math.floor(seconds / SECONDS_PER_DAY);
    if (day !== this.#lastDay) {
      this.#lastDay = day;
      this.#lastDate = new Date(day * SECONDS_PER_DAY * 1000).toISOString().slice(0, 11);
    }
    const second = seconds - day * SECONDS_PER_DAY;
    const hours = TWO_DIGITS[Math.floor(second / 3600)];
    const minutes = TWO_DIGITS[Math.floor(second / 60) % 60];
    return `"${this.#lastDate}${hours}:${minutes}:${TWO_DIGITS[second % 60]}${fraction(nanoseconds)}Z"`;
  }
}

function fraction(nanoseconds: number): string {
  if (nanoseconds === 0) return "";
  const milli = THREE_DIGITS[Math.floor(nanoseconds / 1e6)];
  const micro = THREE_DIGITS[Math.floor(nanoseconds / 1e3) % 1000];
  const digits = `.${milli}${micro}${THREE_DIGITS[nanoseconds % 1000]}`;
  let end = digits.length;
  while (digits.charCodeAt(end - 1) === 0x30) end--;
  return digits.slice(0, end);
}

function failure({ path, pathBytes, error }: FailedEntry): string {
  return `{"path":${quoteRaw(path, pathBytes)},"error":${quote(error)}}`;
}

function quote(text: string): string {
  return ESCAPED.test(text) ? goQuote(text) : `"${text}"`;
}

/** From the raw bytes where they are known: each invalid one is escaped. */
function quoteRaw(text: string, bytes: Uint8Array | undefined): string {
  return bytes === undefined ? quote(text) : goQuoteBytes(bytes);
}
