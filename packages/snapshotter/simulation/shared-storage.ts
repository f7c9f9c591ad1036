import { KopiaError, copyBytes, type BlobMetadata, type Bytes } from "@kopia-engine/kopia-format";
import type { SimulatedTime } from "./simulated-time.ts";

interface StoredBlob {
  readonly data: Bytes;
  readonly metadata: BlobMetadata;
}

interface Change {
  readonly time: bigint;
  readonly client: string;
  readonly id: string;
  readonly before: StoredBlob | undefined;
}

/** What really is in the storage that all clients share, and what happened to it lately. */
export class SharedStorage {
  readonly #time: SimulatedTime;
  readonly #blobs = new Map<string, StoredBlob>();
  readonly #changes: Change[] = [];
  readonly #torn = new Set<string>();
  readonly #maxLagNs: bigint;

  /** @param maxLagNs how far back listings may be asked for. */
  constructor(time: SimulatedTime, maxLagNs: number) {
    this.#time = time;
    this.#maxLagNs = BigInt(maxLagNs);
  }

  /** Blobs of which only a part was stored. */
  get torn(): ReadonlySet<string> {
    return this.#torn;
  }

  find(id: string): StoredBlob {
    const blob = this.#blobs.get(id);
    if (blob !== undefined) return blob;
    throw new KopiaError("BLOB_NOT_FOUND", `blob ${id} is not in storage`, {
      details: { blob: id },
    });
  }

  put(client: string, id: string, data: Uint8Array): BlobMetadata {
    this.#remember(client, id);
    const metadata = { id, lengthBytes: data.length, timestamp: this.#time.now };
    this.#blobs.set(id, { data: copyBytes(data), metadata });
    this.#torn.delete(id);
    return metadata;
  }

  /** Stores the first half only, as storage without atomic puts does when a client dies. */
  putTorn(client: string, id: string, data: Uint8Array): void {
    this.put(client, id, data.subarray(0, data.length >> 1));
    this.#torn.add(id);
  }

  delete(client: string, id: string): void {
    if (!this.#blobs.has(id)) return;
    this.#remember(client, id);
    this.#blobs.delete(id);
    this.#torn.delete(id);
  }

  /** Blobs of a prefix as they were so long ago; what the client did itself is always seen. */
  list(prefix: string, client = "", lagNs = 0): BlobMetadata[] {
    const changed = lagNs === 0 ? undefined : this.#stateBefore(client, lagNs);
    const listed: BlobMetadata[] = [];
    for (const [id, { metadata }] of this.#blobs) {
      if (id.startsWith(prefix) && changed?.has(id) !== true) listed.push(metadata);
    }
    for (const [id, before] of changed ?? []) {
      if (before !== undefined && id.startsWith(prefix)) listed.push(before.metadata);
    }
    return listed;
  }

  #stateBefore(client: string, lagNs: number): Map<string, StoredBlob | undefined> {
    const since = this.#time.now - BigInt(lagNs);
    const states = new Map<string, StoredBlob | undefined>();
    for (let i = this.#changes.length - 1; i >= 0; i--) {
      const change = this.#changes[i] as Change;
      if (change.time < since) break;
      if (change.client !== client) states.set(change.id, change.before);
      else if (!states.has(change.id)) states.set(change.id, this.#blobs.get(change.id));
    }
    return states;
  }

  #remember(client: string, id: string): void {
    const { now } = this.#time;
    this.#changes.push({ time: now, client, id, before: this.#blobs.get(id) });
    const first = this.#changes[0];
    if (this.#changes.length > 500 && first !== undefined && first.time < now - this.#maxLagNs) {
      this.#changes.splice(0, 250);
    }
  }
}
