import type { Bytes } from "../base/bytes.ts";
import { systemClock, type Clock } from "../base/clock.ts";
import { systemRandom, type RandomBytes } from "../base/random.ts";
import type { KopiaError } from "../base/errors.ts";
import type { BlobId, BlobStorage } from "../blob/storage.ts";
import { createContentManager } from "../content/content-manager.ts";
import {
  loadRepositoryFormat,
  reloadRepositoryFormat,
  type LoadFormatOptions,
} from "../format/load-format.ts";
import type { RepositoryFormat } from "../format/repository-format.ts";
import { createHashFunction } from "../hashing/registry.ts";
import { createContentEncryptor, type EccRepair } from "./content-encryptor.ts";
import type { DiagnosticLog } from "./diagnostic-log.ts";
import { FormatMonitor } from "./format-monitor.ts";
import { OpenedRepository } from "./opened-repository.ts";
import type { ClientOptions, Repository } from "./repository.ts";

/** Margins of maintenance allow for no more (spec 1 §12.3). */
const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;

/** How a repository is opened, on any platform. */
export interface OpenPortableOptions {
  readonly password: string;
  readonly client: ClientOptions;
  readonly clock?: Clock;
  readonly random?: RandomBytes;
  /** Puts a cache in front of the storage once the format is known. What checks the storage itself must do without. */
  readonly wrapStorage?: (storage: BlobStorage, format: RepositoryFormat) => BlobStorage;
  /** A format that `createRepository` or an earlier open gave: spares the key derivation. */
  readonly format?: RepositoryFormat;
  /** A key that may open the format, tried before one is derived from the password. */
  readonly formatKey?: Bytes;
  /** Owner of the format upgrade this client carries out (`KOPIA_REPO_UPGRADE_OWNER_ID`). */
  readonly upgradeOwnerId?: string;
  /** As in `LoadFormatOptions`: waits for a running upgrade of somebody else instead of failing. */
  readonly onUpgradeWait?: NonNullable<LoadFormatOptions["onUpgradeWait"]>;
  /** Ends that waiting. */
  readonly signal?: AbortSignal;
  /** Skips manifest contents that cannot be read (`KOPIA_IGNORE_MALFORMED_MANIFEST_CONTENTS`). */
  readonly ignoreMalformedManifests?: boolean;
  /**
   * Refuses to write when the storage's clock differs from this one by more than 5 minutes
   * (`KOPIA_ENABLE_CLOCK_SKEW_CHECK`, spec 1 §9.6).
   */
  readonly checkClockSkew?: boolean;
  /**
   * When given, damaged index blobs are left out and reported here once each; nothing can be written then.
   * For examination and repair. Without it they are errors.
   */
  readonly onUnreadableIndex?: (blobId: BlobId, error: KopiaError) => void;
  /**
   * Told about required features that are not known but may be ignored (spec 1 §2.4), and, once, that
   * error correction had to repair something.
   */
  readonly onWarning?: (message: string) => void;
  /** The repository's own log: what was written is told to it, and it is stored when the repository is closed. */
  readonly log?: DiagnosticLog;
  /** Told about everything that error correction repaired while it was read (spec 1 §11). */
  readonly onRepair?: (repair: EccRepair) => void;
}

/**
 * Opens a repository with what every platform has: a browser too. The storage stays the caller's until this resolves; afterwards `close` closes it.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `INVALID_PASSWORD`, `FORMAT_CORRUPT`, `FORMAT_UNSUPPORTED`,
 * `ALGORITHM_UNKNOWN`, `REPOSITORY_UPGRADING`, `INDEX_CORRUPT` and those of `BlobStorage`.
 */
export async function openPortableRepository(
  storage: BlobStorage,
  options: OpenPortableOptions,
): Promise<Repository> {
  const { client, clock = systemClock, random = systemRandom } = options;
  const loadOptions = {
    clock,
    ...(options.upgradeOwnerId !== undefined && { upgradeOwnerId: options.upgradeOwnerId }),
    ...(options.onWarning !== undefined && { onWarning: options.onWarning }),
    ...(options.formatKey !== undefined && { formatKey: options.formatKey }),
  };
  const format =
    options.format ??
    (await loadRepositoryFormat(storage, options.password, {
      ...loadOptions,
      ...(options.onUpgradeWait !== undefined && { onUpgradeWait: options.onUpgradeWait }),
      ...(options.signal !== undefined && { signal: options.signal }),
    }));
  const monitor = new FormatMonitor({
    format,
    clock,
    reload: () => reloadRepositoryFormat(storage, format, loadOptions),
    isFresh: options.format === undefined,
  });
  const { hash, secret } = format.content;
  const cached = options.wrapStorage?.(storage, format);
  const parts = {
    format,
    hash: await createHashFunction(hash, secret),
    encryptor: createContentEncryptor(format.content, random, repairReporter(options)),
    clock,
    random,
  };
  options.log?.setTarget({ storage, crypto: parts });
  const contents = await createContentManager({
    ...parts,
    storage: cached ?? storage,
    client,
    checkFormat: () => monitor.check(),
    ...(client.writeLz4 === true && { writeLz4: true }),
    ...(options.onUnreadableIndex && { onUnreadableIndex: options.onUnreadableIndex }),
    ...(options.checkClockSkew === true && { maxClockSkewMs: MAX_CLOCK_SKEW_MS }),
  });
  return new OpenedRepository({
    ...parts,
    storage,
    cachedStorage: cached ?? storage,
    client,
    contents,
    ignoreMalformedManifests: options.ignoreMalformedManifests ?? false,
    ...(options.log !== undefined && { log: options.log }),
  });
}

/** A failing disk damages more than one place: one warning is enough, `onRepair` hears of each. */
function repairReporter(
  options: Pick<OpenPortableOptions, "onWarning" | "onRepair">,
): (repair: EccRepair) => void {
  let hasWarned = false;
  return (repair) => {
    options.onRepair?.(repair);
    if (hasWarned) return;
    hasWarned = true;
    options.onWarning?.(
      `stored data is damaged and was repaired by error correction (…${repair.hash}, ${repair.shardCount} shards); ` +
        "the storage still holds the damaged bytes: check it, and rewrite what is damaged",
    );
  };
}
