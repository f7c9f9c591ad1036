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
export { systemRandom, type RandomBytes } from "./base/random.ts";
export type {
  BlobId,
  BlobMetadata,
  BlobRange,
  BlobStorage,
  BlobWriter,
  PutOptions,
  StorageCapacity,
} from "./blob/storage.ts";
export type { ContentEntry, ContentId, ContentIdRange } from "./content/content-entry.ts";
export type {
  ContentQuery,
  ContentReader,
  ContentWriter,
  WriteContentOptions,
} from "./content/content-store.ts";
export type {
  BlobRetention,
  ContentFormat,
  EpochParameters,
  RepositoryFormat,
  RequiredFeature,
  UpgradeLock,
} from "./format/repository-format.ts";
export type {
  ManifestEntry,
  ManifestId,
  ManifestLabels,
  ManifestReader,
  ManifestWriter,
} from "./manifest/manifest-store.ts";
export type { ObjectId } from "./object/object-id.ts";
export type {
  ObjectReader,
  ObjectStore,
  ObjectWriter,
  ObjectWriterOptions,
  ObjectWriterStore,
} from "./object/object-store.ts";
export type { ClientOptions, Repository, WriteSession } from "./repository/repository.ts";
