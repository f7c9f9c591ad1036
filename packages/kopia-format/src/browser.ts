/**
 * The part of the engine that needs no Node: reading a repository, whatever holds its blobs. Bundlers that ask for the condition
 * `browser` find it under the package's own name. What `node:crypto` and `node:zlib` do elsewhere, the
 * portable providers do here; no module that is reachable from this one imports anything of Node.
 */
export {
  bytesEqual,
  compareBytes,
  fromHex,
  toHex,
  utf8Decode,
  utf8Encode,
  type Bytes,
} from "./base/bytes.ts";
export { NS_PER_SECOND, systemClock, type Clock, type TimeNs } from "./base/clock.ts";
export { ERROR_CODES, type ErrorCode } from "./base/error-codes.ts";
export { KopiaError, errorMessage, isKopiaError } from "./base/errors.ts";
export { goQuote, goQuoteBytes, goStringify } from "./base/go-json.ts";
export { formatGoTime, parseGoTime, wrapInt64 } from "./base/go-time.ts";
export {
  asArray,
  asBigInteger,
  asInteger,
  asObject,
  asString,
  entriesOf,
  field,
} from "./base/json-fields.ts";
export { parseJson } from "./base/json-parse.ts";
export { nodeBuiltin } from "./base/node-builtin.ts";
export { RawJson, type JsonObject, type JsonValue } from "./base/json-value.ts";
export { MemoryStorage } from "./blob/memory-storage.ts";
export { ReadableStorage, type BlobSource, type SourceBytes } from "./blob/readable-storage.ts";
export type { BlobId, BlobMetadata, BlobRange, BlobStorage } from "./blob/storage.ts";
export { compressorByHeaderId, compressorByName } from "./compression/registry.ts";
export { createEncryptor } from "./encryption/registry.ts";
export { createHashFunction } from "./hashing/registry.ts";
export {
  formatObjectId,
  isDirectoryObjectId,
  parseObjectId,
  type ObjectId,
} from "./object/object-id.ts";
export {
  openPortableRepository as openRepository,
  type OpenPortableOptions as OpenRepositoryOptions,
} from "./repository/open-portable-repository.ts";
export type { ClientOptions, Repository } from "./repository/repository.ts";
