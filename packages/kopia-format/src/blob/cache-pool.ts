import { createHmac, timingSafeEqual } from "node:crypto";
import * as fs from "node:fs";
import { dirname } from "node:path";
import { toHex, utf8Encode, type Bytes } from "../base/bytes.ts";
import { NS_PER_SECOND, type Clock } from "../base/clock.ts";
import { isKopiaError } from "../base/errors.ts";
import { fnv1a32 } from "../base/fnv.ts";
import type { RandomBytes } from "../base/random.ts";
import { rangeOf } from "./range.ts";
import type { BlobRange } from "./storage.ts";
import { makeDirectories } from "../base/make-directories.ts";

/** Length of the HMAC-SHA256 tag behind the bytes of an entry. */
const TAG_BYTES = 32;
/** A sweep leaves this part of the limit, so that it need not run again at once. */
const SWEPT_FRACTION = 0.9;
/** The pool is swept again when this part of the limit was added. */
const SWEEP_EVERY_FRACTION = 0.1;
/** Temporary files older than this were left by a process that died. */
const STALE_TEMPORARY_NS = 3600n * NS_PER_SECOND;
/** No single entry may take more of the pool. */
const MAX_ENTRY_FRACTION = 0.25;

/** Settings of a `CachePool`. */
export interface CachePoolOptions {
  /** Its own directory; made when the first entry is stored. */
  readonly directory: string;
  /** Entries beyond this are removed, the longest unused first. */
  readonly maxBytes: number;
  /** Key of the integrity tags: what others write into the directory is not believed. */
  readonly key: Uint8Array;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

/**
 * A bounded directory of cache entries, each the bytes and an HMAC-SHA256 tag over name and bytes. Nothing
 * here ever fails: what cannot be read or does not fit its tag is a miss, what cannot be stored is not.
 * An entry's tag is checked when this process first meets the entry; ranges are read directly from then on.
 */
export class CachePool {
  readonly #options: CachePoolOptions;
  readonly #verified = new Set<string>();
  #bytesSinceSweep = Number.POSITIVE_INFINITY;
  #writable = true;

  constructor(options: CachePoolOptions) {
    this.#options = options;
  }

  /** Largest entry that is stored. */
  get maxEntryBytes(): number {
    return this.#options.maxBytes * MAX_ENTRY_FRACTION;
  }

  /**
   * The bytes of an entry, or a range of them; `undefined` when it is not there.
   *
   * @throws KopiaError STORAGE_RANGE when the entry is there and shorter than the range
   */
  read(owner: string, name: string, range?: BlobRange): Bytes | undefined {
    const path = this.#pathOf(owner, name);
    const fd = openForRead(path);
    if (fd === undefined) return undefined;
    try {
      const lengthBytes = fs.fstatSync(fd).size - TAG_BYTES;
      const isKnown = this.#verified.has(name);
      const whole = lengthBytes < 0 || isKnown ? undefined : this.#verify(fd, name, lengthBytes);
      if (lengthBytes < 0 || (!isKnown && whole === undefined)) {
        this.#discard(path, name);
        return undefined;
      }
      if (range === undefined) return whole ?? readExactly(fd, 0, lengthBytes);
      const { start, end } = rangeOf(owner, lengthBytes, range);
      // A copy, so that the whole can go.
      return whole?.slice(start, end) ?? readExactly(fd, start, end - start);
    } catch (error) {
      if (isKopiaError(error)) throw error;
      return undefined;
    } finally {
      fs.closeSync(fd);
    }
  }

  /** Stores an entry, if it can. */
  store(owner: string, name: string, data: Uint8Array): void {
    if (!this.#writable || data.length > this.maxEntryBytes) return;
    const path = this.#pathOf(owner, name);
    const temporaryPath = `${path}.tmp.${toHex(this.#options.random(8))}`;
    try {
      this.#sweepWhenDue(data.length);
      makeDirectories(dirname(path), 0o700);
      // In two pieces: an entry may be tens of MiB.
      fs.writeFileSync(temporaryPath, data, { flag: "wx", mode: 0o600 });
      fs.appendFileSync(temporaryPath, this.#tag(name, data));
      fs.renameSync(temporaryPath, path);
      this.#verified.add(name);
    } catch {
      // A full or read-only disk: go on without storing.
      this.#writable = false;
      removeQuietly(temporaryPath);
    }
  }

  /** Forgets all entries of an owner. */
  removeOwner(owner: string): void {
    const directory = this.#directoryOf(owner);
    for (const file of namesIn(directory)) {
      if (file === owner || file.startsWith(`${owner}@`))
        this.#discard(`${directory}/${file}`, file);
    }
  }

  /** Removes the longest unused entries until the pool fits its limit. */
  sweep(): void {
    this.#bytesSinceSweep = 0;
    const entries = this.#entries().sort((a, b) => (a.usedAt < b.usedAt ? -1 : 1));
    let totalBytes = entries.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    if (totalBytes <= this.#options.maxBytes) return;
    for (const { path, name, lengthBytes } of entries) {
      if (totalBytes <= this.#options.maxBytes * SWEPT_FRACTION) break;
      this.#discard(path, name);
      totalBytes -= lengthBytes;
    }
  }

  #sweepWhenDue(addedBytes: number): void {
    this.#bytesSinceSweep += addedBytes;
    if (this.#bytesSinceSweep > this.#options.maxBytes * SWEEP_EVERY_FRACTION) this.sweep();
  }

  #entries(): { path: string; name: string; lengthBytes: number; usedAt: bigint }[] {
    const { directory, clock } = this.#options;
    const staleBefore = clock.now() - STALE_TEMPORARY_NS;
    const entries = [];
    for (const shard of namesIn(directory)) {
      for (const name of namesIn(`${directory}/${shard}`)) {
        const path = `${directory}/${shard}/${name}`;
        const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
        if (stats === undefined) continue;
        if (!name.includes(".tmp.")) {
          entries.push({ path, name, lengthBytes: Number(stats.size), usedAt: stats.mtimeNs });
        } else if (stats.mtimeNs < staleBefore) {
          removeQuietly(path);
        }
      }
    }
    return entries;
  }

  /** The bytes of an entry if its tag fits; marks the entry as used. */
  #verify(fd: number, name: string, lengthBytes: number): Bytes | undefined {
    const both = readExactly(fd, 0, lengthBytes + TAG_BYTES);
    if (both === undefined) return undefined;
    const data = both.subarray(0, lengthBytes);
    const tag = both.subarray(lengthBytes);
    if (!timingSafeEqual(tag, this.#tag(name, data))) return undefined;
    this.#verified.add(name);
    const nowSeconds = Number(this.#options.clock.now()) / 1e9;
    try {
      fs.futimesSync(fd, nowSeconds, nowSeconds);
    } catch {
      // Another user's or a read-only cache: it only ages faster.
    }
    return data;
  }

  /** The name is part of it, so that entries cannot be exchanged. */
  #tag(name: string, data: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#options.key)
      .update(utf8Encode(`${name}\n`))
      .update(data)
      .digest();
  }

  #discard(path: string, name: string): void {
    this.#verified.delete(name);
    removeQuietly(path);
  }

  #pathOf(owner: string, name: string): string {
    return `${this.#directoryOf(owner)}/${name}`;
  }

  /** 256 directories keep each small. */
  #directoryOf(owner: string): string {
    const shard = toHex(new Uint8Array([fnv1a32(utf8Encode(owner)) & 0xff]));
    return `${this.#options.directory}/${shard}`;
  }
}

function openForRead(path: string): number | undefined {
  try {
    return fs.openSync(path, "r");
  } catch {
    return undefined;
  }
}

function readExactly(fd: number, start: number, lengthBytes: number): Bytes | undefined {
  const bytes = new Uint8Array(lengthBytes);
  let done = 0;
  while (done < lengthBytes) {
    const got = fs.readSync(fd, bytes, done, lengthBytes - done, start + done);
    if (got === 0) return undefined;
    done += got;
  }
  return bytes;
}

function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(directory);
  } catch {
    return [];
  }
}

function removeQuietly(path: string): void {
  try {
    fs.rmSync(path, { force: true });
  } catch {
    // It stays; it is not believed without its tag, and the next sweep meets it again.
  }
}
