import type { WriteSessionChoices } from "../content/content-write-session.ts";
import type { Clock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobMetadata, BlobStorage } from "../blob/storage.ts";
import { compressorByHeaderId } from "../compression/registry.ts";
import type { ContentManager } from "../content/content-manager.ts";
import { EpochManager } from "../content/index-blob/epoch/epoch-manager.ts";
import { createIndexBlobManager } from "../content/index-blob/index-blob-manager.ts";
import type { Encryptor } from "../encryption/encryptor.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import type { HashFunction } from "../hashing/hash-function.ts";
import { ContentManifestReader } from "../manifest/content-manifest-reader.ts";
import type { ManifestReader } from "../manifest/manifest-store.ts";
import { ContentObjectStore } from "../object/content-object-store.ts";
import type { ObjectStore } from "../object/object-store.ts";
import type { DiagnosticLog } from "./diagnostic-log.ts";
import type { ClientOptions, Repository, WriteSession } from "./repository.ts";
import { RepositoryWriteSession } from "./repository-write-session.ts";

/** The parts of an open repository. */
export interface RepositoryParts {
  readonly storage: BlobStorage;
  readonly cachedStorage: BlobStorage;
  readonly format: RepositoryFormat;
  readonly client: ClientOptions;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly hash: HashFunction;
  readonly encryptor: Encryptor;
  readonly contents: ContentManager;
  readonly ignoreMalformedManifests: boolean;
  readonly log?: DiagnosticLog;
}

/** What `openRepository` gives. */
export class OpenedRepository implements Repository {
  readonly storage: BlobStorage;
  readonly cachedStorage: BlobStorage;
  readonly format: RepositoryFormat;
  readonly client: ClientOptions;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly contents: ContentManager;
  readonly objects: ObjectStore;
  readonly manifests: ManifestReader;
  readonly #parts: RepositoryParts;
  readonly #ignoreMalformed: boolean;
  #closed = false;

  constructor(parts: RepositoryParts) {
    this.#parts = parts;
    this.storage = parts.storage;
    this.cachedStorage = parts.cachedStorage;
    this.format = parts.format;
    this.client = parts.client;
    this.clock = parts.clock;
    this.random = parts.random;
    this.contents = parts.contents;
    this.#ignoreMalformed = parts.ignoreMalformedManifests;
    this.objects = new ContentObjectStore(parts.contents, { compressorByHeaderId });
    this.manifests = new ContentManifestReader({
      contents: parts.contents,
      refresh: () => parts.contents.refresh(),
      ignoreMalformed: this.#ignoreMalformed,
    });
  }

  async refresh(): Promise<void> {
    this.#assertOpen();
    await this.contents.refresh();
  }

  async indexBlobs(): Promise<readonly BlobMetadata[]> {
    this.#assertOpen();
    return (await createIndexBlobManager(this.#parts).listActive()).blobs;
  }

  async currentEpoch(): Promise<number | undefined> {
    this.#assertOpen();
    const { storage, clock } = this;
    const parameters = this.format.content.epochParameters;
    if (!parameters.enabled) return undefined;
    return (await new EpochManager({ storage, clock, parameters }).refresh()).writeEpoch;
  }

  async writeSession(choices?: WriteSessionChoices): Promise<WriteSession> {
    this.#assertOpen();
    if (this.client.readOnly || this.storage.readOnly) {
      throw new KopiaError(
        "STORAGE_READ_ONLY",
        `${this.storage.displayName} is connected read-only`,
      );
    }
    const contents = await this.contents.openWriteSession(choices);
    return new RepositoryWriteSession(this, contents, this.#ignoreMalformed);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.contents.close();
    await this.#parts.log?.flush();
    await this.storage.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #assertOpen(): void {
    if (this.#closed) {
      throw new KopiaError("REPOSITORY_CLOSED", `${this.storage.displayName} has been closed`);
    }
  }
}
