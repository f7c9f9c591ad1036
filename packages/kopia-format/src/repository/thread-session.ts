import { systemClock } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { systemRandom } from "../base/random.ts";
import { openFilesystemStorage } from "../blob/filesystem-storage.ts";
import type { FilesystemThreadOptions } from "../blob/storage.ts";
import { compressorByHeaderId } from "../compression/registry.ts";
import { ContentCodec } from "../content/content-codec.ts";
import type { ContentWriter } from "../content/content-store.ts";
import { PackBuffer } from "../content/pack/pack-writer.ts";
import type {
  PackedContents,
  PackingGrant,
  SharedContentView,
} from "../content/packing-threads.ts";
import { ThreadContentWriter } from "../content/thread-content-writer.ts";
import type { ContentFormat } from "../format/repository-format.ts";
import { createHashFunction } from "../hashing/registry.ts";
import { ContentObjectWriterStore } from "../object/content-object-writer-store.ts";
import type { ObjectWriterStore } from "../object/object-store.ts";
import { splitterFactory } from "../splitter/registry.ts";
import { createContentEncryptor } from "./content-encryptor.ts";
import type { ClientOptions, WriteSession } from "./repository.ts";

/** What a thread needs to write for a session: plain data, with keys. Never print it. */
export interface ThreadSetup {
  readonly storage: FilesystemThreadOptions;
  readonly format: ContentFormat;
  readonly client: Pick<ClientOptions, "username" | "hostname" | "writeLz4">;
}

/** A thread's part of a write session: it stores objects, and reads nothing back. */
export interface ThreadSession {
  readonly contents: Pick<ContentWriter, "settle" | "writeContent" | "hashContents">;
  readonly objects: Pick<ObjectWriterStore, "createWriter" | "writeObject" | "concatenate">;
  /** Bytes packed since the last grant. */
  packedBytes(): number;
  updateView(view: SharedContentView): void;
  /** As `ThreadContentWriter.handOver`. */
  handOver(next: PackingGrant | undefined): Promise<PackedContents>;
  /** Drops what is pending; never fails. */
  abort(): Promise<void>;
}

const DATA_BUFFER_BYTES = 2 ** 18;
const METADATA_BUFFER_BYTES = 2 ** 18;
const MAX_PACKS_IN_FLIGHT = 2;

/**
 * What threads open their part of a session with; `undefined` when it can only be written by the thread
 * that opened it: storage other than plain files, a clock of its own, packs that begin with the format.
 */
export function threadSetupOf({ repository }: WriteSession): ThreadSetup | undefined {
  const { storage, clock, client, format } = repository;
  const { threadOptions } = storage;
  if (threadOptions === undefined || clock !== systemClock) return undefined;
  if (!format.content.enablePasswordChange) return undefined;
  const { username, hostname, writeLz4 = false } = client;
  const identity = { username, hostname, writeLz4 };
  return { storage: threadOptions, format: format.content, client: identity };
}

/**
 * Opens a thread's part of a write session: storage, hash, cipher, compressors and packs of its own.
 * @throws KopiaError `STORAGE_UNAVAILABLE`, `STORAGE_PERMISSION`, `ALGORITHM_UNKNOWN`, `INDEX_CORRUPT`.
 */
export async function openThreadSession(
  setup: ThreadSetup,
  grant: PackingGrant,
): Promise<ThreadSession> {
  const { format } = setup;
  const hash = await createHashFunction(format.hash, format.secret);
  const encryptor = createContentEncryptor(format, systemRandom);
  const writer = new ThreadContentWriter(
    {
      unitContext: {
        storage: await openFilesystemStorage(setup.storage),
        crypto: { hash, encryptor },
        clock: systemClock,
        random: systemRandom,
        client: setup.client,
        indexVersion: format.indexVersion,
        keyLength: 1 + hash.sizeBytes,
        formatCopy: new Uint8Array(0),
        buffers: {
          p: new PackBuffer(DATA_BUFFER_BYTES),
          q: new PackBuffer(METADATA_BUFFER_BYTES),
        },
      },
      codec: new ContentCodec(encryptor, format, setup.client),
      maxPackSizeBytes: format.maxPackSizeBytes,
      formatVersion: format.version,
      overheadBytes: encryptor.overheadBytes,
      maxPacksInFlight: MAX_PACKS_IN_FLIGHT,
    },
    grant,
  );
  const contents = new WritingOnly(writer);
  const objects = new ContentObjectWriterStore(contents, {
    compressorByHeaderId,
    splitterFactory: (name) => splitterFactory(name),
    defaultSplitter: format.splitter,
    indexVersion: format.indexVersion,
  });
  return {
    contents,
    objects,
    packedBytes: () => writer.packedBytes,
    updateView: (view) => writer.updateView(view),
    handOver: (next) => writer.handOver(next),
    abort: () => writer.abort(),
  };
}

/** Contents for writers of objects; what would read them is refused. */
class WritingOnly implements ContentWriter {
  readonly writeContent: ContentWriter["writeContent"];
  readonly settle: ContentWriter["settle"];
  readonly hashContents: NonNullable<ContentWriter["hashContents"]>;

  constructor(writer: ThreadContentWriter) {
    this.writeContent = (data, options) => writer.writeContent(data, options);
    this.settle = () => writer.settle();
    this.hashContents = (contents) => writer.hashContents(contents);
  }

  getContent(): never {
    throw refused();
  }
  getContents(): never {
    throw refused();
  }
  getContentInfo(): never {
    throw refused();
  }
  contents(): never {
    throw refused();
  }
  deleteContent(): never {
    throw refused();
  }
  undeleteContent(): never {
    throw refused();
  }
  flush(): never {
    throw refused();
  }
}

function refused(): KopiaError {
  return new KopiaError("NOT_IMPLEMENTED", "a thread of a write session only writes contents");
}
