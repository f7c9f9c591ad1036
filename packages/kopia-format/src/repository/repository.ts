import type { WriteSessionChoices } from "../content/content-write-session.ts";
import type { Clock } from "../base/clock.ts";
import type { RandomBytes } from "../base/random.ts";
import type { BlobMetadata, BlobStorage } from "../blob/storage.ts";
import type { ContentManager } from "../content/content-manager.ts";
import type { ContentWriteSession } from "../content/content-write-session.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import type { ManifestReader, ManifestWriter } from "../manifest/manifest-store.ts";
import type { ObjectStore, ObjectWriterStore } from "../object/object-store.ts";

/** Who this client is: snapshot sources, session markers, maintenance owner (spec 1 §10.1). */
export interface ClientOptions {
  readonly username: string;
  readonly hostname: string;
  readonly readOnly: boolean;
  readonly description: string;
  /**
   * Writes `lz4` where a policy asks for it. Kopia 0.23 cannot read such contents, 0.22 and older can: only for repositories
   * that no later Kopia shares. Default false: what would be `lz4` is stored uncompressed, as 0.23 does.
   */
  readonly writeLz4?: boolean;
  /** Policies may run commands here. Default false. */
  readonly enableActions?: boolean;
}

/** An open repository, for reading. `openRepository` makes it. */
export interface Repository {
  /** The storage itself, without the cache. */
  readonly storage: BlobStorage;
  /** The storage as contents are read: through the cache, where there is one. */
  readonly cachedStorage: BlobStorage;
  readonly format: RepositoryFormat;
  readonly client: ClientOptions;
  readonly clock: Clock;
  readonly random: RandomBytes;
  readonly contents: ContentManager;
  readonly objects: ObjectStore;
  readonly manifests: ManifestReader;
  /** Index blobs that count now, as the storage lists them. */
  indexBlobs(): Promise<readonly BlobMetadata[]>;
  /** The epoch that new indexes go to; `undefined` in repositories without epochs (spec 1 §8.4). */
  currentEpoch(): Promise<number | undefined>;
  /** Sees what other clients have written since. */
  refresh(): Promise<void>;
  /**
   * Starts a write session. Sessions of one repository must not overlap.
   * @throws KopiaError `STORAGE_READ_ONLY`, `REPOSITORY_INDEX_MISSING` (packs but no index), `REPOSITORY_UPGRADING`.
   */
  writeSession(choices?: WriteSessionChoices): Promise<WriteSession>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * One write session (spec 1 §9). `flush` makes everything durable and visible, in the safe order;
 * disposing without a flush leaves at most unreferenced packs, which upkeep removes.
 */
export interface WriteSession {
  readonly repository: Repository;
  readonly contents: ContentWriteSession;
  readonly objects: ObjectWriterStore;
  readonly manifests: ManifestWriter;
  /** @throws KopiaError storage errors, `SESSION_BROKEN`, `SESSION_EXPIRED`, and what an `afterFlush` threw. */
  flush(): Promise<void>;
  /** Called once, when the next flush has made everything durable; the flush fails with what it throws. */
  afterFlush(check: () => Promise<void>): void;
  [Symbol.asyncDispose](): Promise<void>;
}
