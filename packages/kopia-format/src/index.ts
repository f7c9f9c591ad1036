export { ByteReader, type ByteReaderOptions } from "./base/byte-reader.ts";
export type { Bytes } from "./base/bytes.ts";
export {
  bytesEqual,
  compareBytes,
  concatBytes,
  copyBytes,
  fromHex,
  toHex,
  utf8Decode,
  utf8Encode,
} from "./base/bytes.ts";
export type { Clock, TimeNs } from "./base/clock.ts";
export { NS_PER_MS, NS_PER_SECOND, systemClock, toUnixSeconds } from "./base/clock.ts";
export { collectAsync } from "./base/collect-async.ts";
export {
  DirectoryHandle,
  directoryHandlesAreSafe,
  isSafeEntryName,
  openDirectoryHandle,
  type EntryName,
  type FileOpenOptions,
  type FileOwner,
} from "./base/directory-handle.ts";
export { ERROR_CODES, type ErrorCode, type RetryAdvice } from "./base/error-codes.ts";
export {
  KopiaError,
  errorFromWire,
  errorMessage,
  errorToWire,
  isKopiaError,
  type ErrorDetails,
  type ErrorWire,
} from "./base/errors.ts";
export { tryLockFile } from "./base/file-lock.ts";
export { formatGoDuration, parseGoDuration } from "./base/go-duration.ts";
export {
  goDecodeUtf8,
  goMarshalIndent,
  goQuote,
  goQuoteBytes,
  goStringify,
} from "./base/go-json.ts";
export { GO_ZERO_TIME, formatGoTime, parseGoTime, wrapInt64 } from "./base/go-time.ts";
export {
  asArray,
  asBigInteger,
  asBoolean,
  asInteger,
  asNumber,
  asObject,
  asString,
  entriesOf,
  field,
  isJsonObject,
} from "./base/json-fields.ts";
export { parseJson, type JsonParseOptions } from "./base/json-parse.ts";
export {
  JsonNumber,
  RawJson,
  type JsonInput,
  type JsonObject,
  type JsonValue,
} from "./base/json-value.ts";
export { localTimeZone } from "./base/local-time-zone.ts";
export {
  posixTimesAreExact,
  setTimesNs,
  setTimesNsOfFile,
  type FileTimes,
  type PosixPath,
} from "./base/posix.ts";
export { makeDirectories } from "./base/make-directories.ts";
export {
  encodeOpenMetrics,
  type MetricFamily,
  type MetricLabels,
  type MetricSample,
} from "./base/openmetrics.ts";
export { systemRandom, type RandomBytes } from "./base/random.ts";
export { lastAtMost } from "./base/last-at-most.ts";
export { releaseBytes } from "./base/release-bytes.ts";
export { Semaphore } from "./base/semaphore.ts";
export {
  formatLocalTimestamp,
  isTimeZone,
  timeFromCalendar,
  zonedParts,
  type CalendarTime,
  type ZonedParts,
} from "./base/zoned-time.ts";
export { CachingStorage, type CachingStorageOptions } from "./blob/caching-storage.ts";
export { describeDirectory, type DirectoryDescription } from "./blob/describe-directory.ts";
export {
  inspectDirectory,
  type DirectoryInspection,
  type InspectDirectoryOptions,
  type FileTally,
} from "./blob/inspect-directory.ts";
export { openFilesystemStorage, type FilesystemStorageOptions } from "./blob/filesystem-storage.ts";
export { nodeBuiltin } from "./base/node-builtin.ts";
export { LZ4_HEADER_ID } from "./content/content-codec.ts";
export { ReadableStorage, type BlobSource, type SourceBytes } from "./blob/readable-storage.ts";
export { FoundFilesStorage, type FoundFile } from "./blob/found-files-storage.ts";
export { MemoryStorage } from "./blob/memory-storage.ts";
export {
  MeteredStorage,
  type StorageMetrics,
  type StorageOperation,
} from "./blob/metered-storage.ts";
export {
  executeShardChange,
  planShardChange,
  readShardParameters,
  type ShardMove,
  type ShardPlan,
} from "./blob/modify-shards.ts";
export type { ShardParameters } from "./blob/shards.ts";
export { OverlayStorage } from "./blob/overlay-storage.ts";
export {
  ObservedStorage,
  type ObservedOperation,
  type StorageMethod,
  type StorageObserver,
} from "./blob/observed-storage.ts";
export { ReadOnlyStorage } from "./blob/read-only-storage.ts";
export { RetryingStorage, type RetryOptions } from "./blob/retrying-storage.ts";
export { storageOperationFields } from "./blob/storage-operation-fields.ts";
export type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
  StorageCapacity,
} from "./blob/storage.ts";
export { ThrottledStorage, type ThrottlingLimits } from "./blob/throttled-storage.ts";
export type { Compressor } from "./compression/compressor.ts";
export { loadPortableZstdEncoder } from "./compression/load-portable-zstd-encoder.ts";
export {
  COMPRESSOR_NAMES,
  compressorByHeaderId,
  compressorByName,
  LZ4_COMPRESSOR_NAME,
} from "./compression/registry.ts";
export type { ContentEntry, ContentId, ContentIdRange } from "./content/content-entry.ts";
export { ContentIdList } from "./content/content-id-list.ts";
export type { ContentMarks, MarkResult } from "./content/content-marks.ts";
export {
  ALL_CONTENTS,
  PREFIXED_CONTENTS,
  UNPREFIXED_CONTENTS,
  contentIdPrefix,
  contentIdsStartingWith,
  isContentId,
  isInContentIdRange,
  parseContentId,
} from "./content/content-id.ts";
export {
  createContentManager,
  type ContentManager,
  type ContentManagerOptions,
} from "./content/content-manager.ts";
export type {
  ContentBatchOptions,
  ContentBatchResult,
  ContentQuery,
  ContentReader,
  ContentWriter,
  WriteContentOptions,
} from "./content/content-store.ts";
export type { ContentWriteSession, ContentWriteStats } from "./content/content-write-session.ts";
export type { PackedAtHand } from "./content/packed-at-hand.ts";
export { ContentPlaces, type ContentPlacesParts } from "./content/index/content-places.ts";
export { PlaceReader } from "./content/place-reader.ts";
export type { SupersededEpoch } from "./content/index-blob/epoch/cleanup-plan.ts";
export type { CompactionResult } from "./content/index-blob/epoch/compaction.ts";
export type {
  EpochMaintenance,
  RangePlan,
  SingleEpochPlan,
  SupersededCleanupResult,
} from "./content/index-blob/epoch/epoch-maintenance.ts";
export {
  createEpochMaintenance,
  createIndexBlobManager,
  createV0IndexMaintenance,
  type IndexBlobManagerOptions,
} from "./content/index-blob/index-blob-manager.ts";
export type {
  V0CompactionOptions,
  V0IndexMaintenance,
} from "./content/index-blob/v0/v0-index-maintenance.ts";
export { RecoveredEntries, type IndexedEntryLookup } from "./content/recover-index.ts";
export {
  scanPackIndexes,
  type PackToScan,
  type ScanPackIndexesOptions,
} from "./content/scan-pack-indexes.ts";
export type { IndexReader } from "./content/index/index-reader.ts";
export { INDEX_BLOB_PREFIXES, readIndexBlob } from "./content/index-blob/inspect-index-blob.ts";
export { readEncryptedBlob, type BlobCrypto } from "./content/index-blob/blob-crypto.ts";
export { readLocalIndex } from "./content/pack/local-index.ts";
export type {
  PackedContents,
  PackingGrant,
  PackingThreads,
  SharedContentView,
} from "./content/packing-threads.ts";
export {
  decodeSessionMarker,
  listSessionMarkers,
  newSessionId,
  sessionIdOfBlob,
  type SessionMarker,
  type StoredSessionMarker,
} from "./content/session.ts";
export {
  verifyContents,
  type ContentProblem,
  type ContentVerification,
  type VerifyContentsOptions,
} from "./content/verify-contents.ts";
export type { Encryptor } from "./encryption/encryptor.ts";
export {
  DEFAULT_ENCRYPTION,
  ENCRYPTION_NAMES,
  createEncryptor,
  type EncryptorOptions,
} from "./encryption/registry.ts";
export { BLOB_CONFIG_ID } from "./format/blob-config.ts";
export {
  changeFormat,
  changePassword,
  type FormatChange,
  type PasswordChange,
} from "./format/change-format.ts";
export { FORMAT_BLOB_ID } from "./format/format-blob.ts";
export { findFormatCopyAtEnd, findFormatCopyAtStart } from "./format/format-copy.ts";
export { findFormatCopy, type FoundFormatCopy } from "./format/recover-format.ts";
export {
  DEFAULT_EPOCH_PARAMETERS,
  ECC_NAMES,
  FORMAT_VERSIONS,
  PACK_SIZE_BYTES,
} from "./format/format-parameters.ts";
export { initializeRepository, type InitializeOptions } from "./format/initialize.ts";
export {
  DEFAULT_KEY_ALGORITHM,
  KEY_ALGORITHM_NAMES,
  deriveCacheKey,
  deriveRepositoryKey,
  type DerivedKeyOptions,
} from "./format/key-derivation.ts";
export {
  loadRepositoryFormat,
  reloadRepositoryFormat,
  type FormatSecret,
  type LoadFormatOptions,
} from "./format/load-format.ts";
export {
  EMPTY_SCHEDULE,
  MAINTENANCE_BLOB_ID,
  MAX_RUNS_PER_TASK,
  decodeMaintenanceBlob,
  encodeMaintenanceBlob,
  type MaintenanceRun,
  type MaintenanceSchedule,
} from "./format/maintenance-blob.ts";
export type {
  BlobRetention,
  ContentFormat,
  EpochParameters,
  RepositoryFormat,
  RequiredFeature,
  UpgradeLock,
} from "./format/repository-format.ts";
export type { HashFunction } from "./hashing/hash-function.ts";
export { DEFAULT_HASH, HASH_NAMES, createHashFunction } from "./hashing/registry.ts";
export { decodeManifestContent, type ManifestItem } from "./manifest/manifest-content.ts";
export type {
  ManifestEntry,
  ManifestId,
  ManifestLabels,
  ManifestReader,
  ManifestWriter,
} from "./manifest/manifest-store.ts";
export {
  formatObjectId,
  isDirectoryObjectId,
  parseObjectId,
  type ObjectId,
  type ObjectIdParts,
} from "./object/object-id.ts";
export type {
  ObjectCutter,
  ObjectPiece,
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  ObjectWriterOptions,
  ObjectWriterStore,
  StoredPiece,
} from "./object/object-store.ts";
export {
  connectAndOpen,
  connectRepository,
  discardCachedFormat,
  openConnection,
  type ConnectOptions,
  type OpenConnectionOptions,
} from "./repository/connect.ts";
export {
  THROTTLING_NUMBERS,
  filesystemStorageConfig,
  parseFilesystemConfig,
} from "./repository/connection-codec.ts";
export { createContentEncryptor, type EccRepair } from "./repository/content-encryptor.ts";
export {
  isConnected,
  readConnection,
  removeConnection,
  writeConnection,
} from "./repository/connection-file.ts";
export {
  decodeConnectionToken,
  encodeConnectionToken,
  type ConnectionToken,
} from "./repository/connection-token.ts";
export {
  isDrainInterrupted,
  rollbackUpgrade,
  upgradeRepository,
  upgradeWithoutLock,
  validateUpgrade,
  type UpgradeAccess,
  type UpgradeEvent,
  type UpgradeRepositoryOptions,
} from "./repository/upgrade-repository.ts";
export type { IndexComparison } from "./content/index-blob/migration/compare-indexes.ts";
export type {
  CachingOptions,
  ConfigValue,
  Connection,
  ConnectionClientOptions,
  FilesystemConfig,
  StorageConfig,
} from "./repository/connection.ts";
export {
  createRepository,
  type CreateRepositoryOptions,
  type NewRepositoryFormat,
} from "./repository/create-repository.ts";
export {
  defaultCacheDirectory,
  defaultConfigDirectory,
  defaultIdentity,
  resolveConfigPath,
  userCacheDirectory,
  type Environment,
} from "./repository/default-paths.ts";
export {
  executeBlobCopy,
  planBlobCopy,
  prepareDestination,
  type BlobCopyPlan,
  type BlobTotal,
  type CopyEnds,
  type CopyResult,
  type ExecuteCopyOptions,
  type PlanCopyOptions,
} from "./repository/copy-blobs.ts";
export { listLogSessions, readLogSession, type LogSession } from "./repository/repository-logs.ts";
export { validateStorage, type ValidateStorageOptions } from "./repository/validate-storage.ts";
export { LOG_BLOB_PREFIX } from "./repository/diagnostic-log.ts";
export {
  createFilesystemRepository,
  openFilesystemRepository,
  type FilesystemRepositoryOptions,
} from "./repository/filesystem-repository.ts";
export { openRepository, type OpenRepositoryOptions } from "./repository/open-repository.ts";
export { openStorage, openStorageForCreate } from "./repository/open-storage.ts";
export {
  persistedPasswordPath,
  readPersistedPassword,
  removePersistedPassword,
  writePersistedPassword,
} from "./repository/persisted-password.ts";
export type { RepositoryCacheOptions } from "./repository/repository-cache.ts";
export type { ClientOptions, Repository, WriteSession } from "./repository/repository.ts";
export { openPlaceReader, readSetupOf, type ReadSetup } from "./repository/read-setup.ts";
export {
  openThreadSession,
  threadSetupOf,
  type ThreadSession,
  type ThreadSetup,
} from "./repository/thread-session.ts";
export { DEFAULT_SPLITTER, SPLITTER_NAMES, splitterFactory } from "./splitter/registry.ts";
export type { Splitter, SplitterFactory } from "./splitter/splitter.ts";
