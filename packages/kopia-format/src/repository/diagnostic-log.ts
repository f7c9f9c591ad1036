import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { toHex, utf8Encode } from "../base/bytes.ts";
import { toUnixSeconds, type Clock, type TimeNs } from "../base/clock.ts";
import { errorMessage } from "../base/errors.ts";
import { goStringify } from "../base/go-json.ts";
import { formatGoTime } from "../base/go-time.ts";
import type { JsonInput } from "../base/json-value.ts";
import type { RandomBytes } from "../base/random.ts";
import { zonedParts } from "../base/zoned-time.ts";
import { storageOperationFields } from "../blob/storage-operation-fields.ts";
import type { ObservedOperation } from "../blob/observed-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { encryptBlob, type BlobCrypto } from "../content/index-blob/blob-crypto.ts";

/** Prefix of the blobs that hold logs (spec 3 §4). */
export const LOG_BLOB_PREFIX = "_log_";

/** A segment is stored when its text exceeds this; compressed it is below Kopia's 4 MiB. */
const MAX_SEGMENT_CHARACTERS = 16 << 20;
const CLIENT_ID_BYTES = 10;
const REPOSITORY_ID_BYTES = 5;
const NS_PER_US = 1000n;
const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";

/** What a `DiagnosticLog` works with. */
export interface DiagnosticLogOptions {
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly client: { readonly username: string; readonly hostname: string };
  /** Whether lines are stored at all. */
  readonly isStored: boolean;
  /** Hears every line, without newline, stored or not. */
  readonly onLine?: (line: string) => void;
  /** Told when a segment could not be stored: logs are never worth failing for. */
  readonly onWarning?: (message: string) => void;
}

/** Where segments are stored. */
export interface DiagnosticLogTarget {
  readonly storage: BlobStorage;
  readonly crypto: BlobCrypto;
}

/**
 * The repository's own log (spec 3 §4): what this client did to the storage, without any file name. Lines
 * are kept from the first write on, so that readers leave nothing behind, and stored encrypted at `flush`.
 */
export class DiagnosticLog {
  readonly #options: DiagnosticLogOptions;
  readonly #spans: string;
  readonly #session: string;
  #target: DiagnosticLogTarget | undefined;
  #isKept = false;
  #text = "";
  #segmentStart: TimeNs = 0n;
  #chunk = 0;
  #storing: Promise<void> = Promise.resolve();

  constructor(options: DiagnosticLogOptions) {
    this.#options = options;
    const { client, random, clock } = options;
    const identity = createHash("sha256").update(`${client.username}@${client.hostname}`).digest();
    const clientId = base32(identity.subarray(0, CLIENT_ID_BYTES));
    const repositoryId = base32(random(REPOSITORY_ID_BYTES));
    this.#spans = `"span:client":"${clientId}","span:repo":"${repositoryId}"`;
    this.#session = `${localDigits(clock.now())}_${toHex(random(2))}`;
  }

  /** Where lines go once something is written; before it is known they only reach `onLine`. */
  setTarget(target: DiagnosticLogTarget): void {
    this.#target = target;
  }

  /** Logs an operation; the first one that changes the storage begins what is kept. */
  storageOperation(operation: ObservedOperation): void {
    const { method, blobId = "" } = operation;
    if (method === "Close" || blobId.startsWith(LOG_BLOB_PREFIX)) return;
    if (method === "PutBlob" || method === "DeleteBlob") this.#keep();
    const duration = operation.durationNs / NS_PER_US;
    this.add("storage", method, { ...storageOperationFields(operation), duration });
  }

  /** Adds a line. @param name which part of the program speaks. */
  add(name: string, message: string, fields: Readonly<Record<string, JsonInput>>): void {
    if (!this.#isKept && this.#options.onLine === undefined) return;
    const time = logTime(this.#options.clock.now());
    const rest = goStringify({ n: name, m: message, ...fields }).slice(1);
    const line = `{"t":"${time}",${this.#spans},${rest}`;
    this.#options.onLine?.(line);
    if (!this.#isKept) return;
    this.#text += `${line}\n`;
    if (this.#text.length > MAX_SEGMENT_CHARACTERS) this.#storeSegment();
  }

  /** Stores what is kept. Never fails. */
  async flush(): Promise<void> {
    this.#storeSegment();
    await this.#storing;
  }

  #keep(): void {
    if (this.#isKept || this.#target === undefined || !this.#options.isStored) return;
    this.#isKept = true;
    this.#segmentStart = this.#options.clock.now();
  }

  #storeSegment(): void {
    if (this.#text === "" || this.#target === undefined) return;
    const { storage, crypto } = this.#target;
    const end = this.#options.clock.now();
    this.#chunk++;
    const times = `${toUnixSeconds(this.#segmentStart)}_${toUnixSeconds(end)}_${this.#chunk}`;
    const prefix = `${LOG_BLOB_PREFIX}${this.#session}_${times}_`;
    const blob = encryptBlob(crypto, { prefix }, gzipSync(utf8Encode(this.#text)));
    this.#text = "";
    this.#segmentStart = end;
    this.#storing = this.#storing
      .then(async () => void (await storage.put(blob.id, blob.data)))
      .catch((error: unknown) =>
        this.#options.onWarning?.(`unable to write the repository log: ${errorMessage(error)}`),
      );
  }
}

/** Microseconds, always six digits, UTC. */
function logTime(time: TimeNs): string {
  const seconds = formatGoTime((time / 1_000_000_000n) * 1_000_000_000n).slice(0, -1);
  const microseconds = String((time % 1_000_000_000n) / NS_PER_US).padStart(6, "0");
  return `${seconds}.${microseconds}Z`;
}

/** `yyyyMMddHHmmss` of the local clock. */
function localDigits(time: TimeNs): string {
  const { year, month, day, hour, minute, second } = zonedParts(time);
  return [month, day, hour, minute, second].reduce(
    (text: string, part) => text + String(part).padStart(2, "0"),
    String(year),
  );
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    for (; bitCount >= 5; bitCount -= 5) text += BASE32.charAt((bits >>> (bitCount - 5)) & 31);
    bits &= (1 << bitCount) - 1;
  }
  return text;
}
