import * as fs from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeDirectories } from "@kopia-engine/kopia-format";

const CACHE_TAG_FILE = "CACHEDIR.TAG";
const CACHE_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n";
const LATEST = "latest.log";
/** Lines are written together once they are this many characters; what is told to a person is written at once. */
const BUFFER_CHARACTERS = 1 << 14;

/** Where a `LogFile` lies. */
export interface LogFileOptions {
  /** Path without the segment number and `.log`: `…/kopia-20260102-030405-17-snapshot-list`. */
  readonly basePath: string;
  /** A new segment starts when one exceeds this. */
  readonly maxSegmentBytes: number;
  /** Whether `latest.log` beside it is to point to it. */
  readonly linksLatest: boolean;
  /** Told once, when nothing can be written. */
  readonly onFailure: (message: string) => void;
}

/** A log file in numbered segments. It is made with the first line; failing to write it never fails the command. */
export class LogFile {
  readonly #options: LogFileOptions;
  #buffer = "";
  #fd: number | undefined;
  #segment = 0;
  #segmentBytes = 0;
  #isUsed = false;
  #hasFailed = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Directory of the file. */
  get directory(): string {
    return dirname(this.#options.basePath);
  }

  /** Whether anything was written. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** Adds a line. @param isUrgent writes it at once. */
  line(text: string, isUrgent: boolean): void {
    if (this.#hasFailed) return;
    this.#buffer += `${text}\n`;
    if (isUrgent || this.#buffer.length > BUFFER_CHARACTERS) this.#write();
  }

  /** Writes what is pending and closes the file. */
  close(): void {
    this.#write();
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
  }

  #write(): void {
    if (this.#buffer === "" || this.#hasFailed) return;
    const data = Buffer.from(this.#buffer);
    this.#buffer = "";
    try {
      this.#fd ??= this.#openSegment();
      fs.writeSync(this.#fd, data);
      this.#segmentBytes += data.length;
      if (this.#segmentBytes > this.#options.maxSegmentBytes) this.#endSegment();
    } catch (error) {
      this.#hasFailed = true;
      const reason = error instanceof Error ? error.message : String(error);
      this.#options.onFailure(`unable to write log file, going on without: ${reason}`);
    }
  }

  #openSegment(): number {
    const { basePath, linksLatest } = this.#options;
    makeDirectories(this.directory, 0o700);
    if (linksLatest) markAsCache(this.directory);
    const path = `${basePath}.${this.#segment}.log`;
    const fd = fs.openSync(path, "a", 0o600);
    this.#isUsed = true;
    if (linksLatest) linkLatest(path);
    return fd;
  }

  #endSegment(): void {
    if (this.#fd !== undefined) fs.closeSync(this.#fd);
    this.#fd = undefined;
    this.#segment++;
    this.#segmentBytes = 0;
  }
}

/** Backup programs then leave the directory out. */
function markAsCache(directory: string): void {
  const path = join(directory, CACHE_TAG_FILE);
  if (!fs.existsSync(path)) fs.writeFileSync(path, CACHE_TAG, { mode: 0o600 });
}

/** For people who look at the newest log; two programs may do it at once, and one of them wins. */
function linkLatest(path: string): void {
  const link = join(dirname(path), LATEST);
  try {
    fs.rmSync(link, { force: true });
    fs.symlinkSync(basename(path), link);
  } catch {
    // Another program made it meanwhile, or there are no links here.
  }
}
