import {
  goStringify,
  toHex,
  type Connection,
  type JsonInput,
  type RepositoryFormat,
  type StorageCapacity,
} from "@kopia-engine/kopia-format";

/** What `repository status` shows. */
export interface RepositoryStatus {
  readonly configPath: string;
  readonly connection: Connection;
  readonly format: RepositoryFormat;
  readonly capacity: StorageCapacity | undefined;
}

/** Storage settings with secrets covered: no key, password or token of a storage is ever printed. */
export function storageForDisplay(connection: Connection): JsonInput {
  const { storage } = connection;
  if (storage === undefined) return null;
  const config = Object.entries(storage.config).map(([key, value]): [string, JsonInput] => [
    key,
    /password|secret|key|token|credential/i.test(key) && typeof value === "string" && value !== ""
      ? "*".repeat(value.length)
      : (value as JsonInput),
  ]);
  return { type: storage.type, config: Object.fromEntries(config) };
}

/** `repository status --json` (spec 3 §6.11): compact JSON. */
export function statusJson(status: RepositoryStatus): string {
  const { connection, format, capacity } = status;
  return goStringify({
    configFile: status.configPath,
    uniqueIDHex: toHex(format.uniqueId),
    clientOptions: clientJson(connection),
    storage: storageForDisplay(connection),
    ...(capacity === undefined
      ? {}
      : { volume: { capacity: capacity.sizeBytes, available: capacity.freeBytes } }),
    contentFormat: contentFormatJson(format),
    objectFormat: { splitter: format.content.splitter },
    blobRetention: {
      ...(format.blobRetention.retentionMode
        ? { retentionMode: format.blobRetention.retentionMode }
        : {}),
      ...(format.blobRetention.retentionPeriodNs
        ? { retentionPeriod: format.blobRetention.retentionPeriodNs }
        : {}),
    },
  });
}

function clientJson({ client }: Connection): JsonInput {
  return {
    hostname: client.hostname,
    username: client.username,
    ...(client.readOnly ? { readonly: true } : {}),
    ...(client.permissiveCacheLoading === true ? { permissiveCacheLoading: true } : {}),
    ...(client.description === "" ? {} : { description: client.description }),
    enableActions: client.enableActions,
    ...(client.formatBlobCacheDurationNs
      ? { formatBlobCacheDuration: client.formatBlobCacheDurationNs }
      : {}),
    ...(client.throttlingLimits === undefined
      ? {}
      : { throttlingLimits: client.throttlingLimits as JsonInput }),
  };
}

function contentFormatJson({ content }: RepositoryFormat): JsonInput {
  const epochs = content.epochParameters;
  return {
    hash: content.hash,
    encryption: content.encryption,
    ...(content.ecc === "" ? {} : { ecc: content.ecc }),
    ...(content.eccOverheadPercent === 0 ? {} : { eccOverheadPercent: content.eccOverheadPercent }),
    version: content.version,
    maxPackSize: content.maxPackSizeBytes,
    indexVersion: content.indexVersion,
    epochParameters: {
      Enabled: epochs.enabled,
      EpochRefreshFrequency: epochs.epochRefreshFrequencyNs,
      FullCheckpointFrequency: epochs.fullCheckpointFrequency,
      CleanupSafetyMargin: epochs.cleanupSafetyMarginNs,
      MinEpochDuration: epochs.minEpochDurationNs,
      EpochAdvanceOnCountThreshold: epochs.epochAdvanceOnCountThreshold,
      EpochAdvanceOnTotalSizeBytesThreshold: epochs.epochAdvanceOnTotalSizeBytesThreshold,
      DeleteParallelism: epochs.deleteParallelism,
    },
    enablePasswordChange: content.enablePasswordChange,
  };
}
