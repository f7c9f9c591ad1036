import { systemClock, type Clock } from "../base/clock.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import { ObservedStorage, type StorageObserver } from "../blob/observed-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { DiagnosticLog } from "./diagnostic-log.ts";
import type { ClientOptions } from "./repository.ts";

/** Who is told what a connection does to its storage. */
export interface WatchOptions {
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  /** Told about every storage operation of this thread: for logs and metrics. */
  readonly onStorageOperation?: StorageObserver;
  /** Keeps a log of this client's writes in the repository, as Kopia does (spec 3 §4). Default: none. */
  readonly repositoryLog?: boolean;
  /** Hears each line of that log, also of those who only read. */
  readonly onRepositoryLogLine?: (line: string) => void;
  readonly onWarning?: (message: string) => void;
}

/** The storage as it is to be used, and the log that is fed by it. */
export interface WatchedStorage {
  readonly storage: BlobStorage;
  readonly log?: DiagnosticLog;
}

/** Puts log and observer around a storage, where there are any. */
export function watchStorage(
  storage: BlobStorage,
  client: ClientOptions,
  options: WatchOptions,
): WatchedStorage {
  const log = diagnosticLog(client, options);
  const { onStorageOperation, clock = systemClock } = options;
  if (log === undefined && onStorageOperation === undefined) return { storage };
  const observed = new ObservedStorage(storage, {
    clock,
    observe: (operation) => {
      log?.storageOperation(operation);
      onStorageOperation?.(operation);
    },
  });
  return log === undefined ? { storage: observed } : { storage: observed, log };
}

function diagnosticLog(client: ClientOptions, options: WatchOptions): DiagnosticLog | undefined {
  const { onRepositoryLogLine, onWarning, clock = systemClock, random = systemRandom } = options;
  const isStored = options.repositoryLog === true && !client.readOnly;
  if (!isStored && onRepositoryLogLine === undefined) return undefined;
  return new DiagnosticLog({
    clock,
    random,
    client,
    isStored,
    ...(onRepositoryLogLine !== undefined && { onLine: onRepositoryLogLine }),
    ...(onWarning !== undefined && { onWarning }),
  });
}
