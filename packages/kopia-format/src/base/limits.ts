/**
 * Limits of what is read from storage. They bound memory against damaged or hostile input; each is far
 * above what Kopia writes.
 */

/** Whole blobs: packs are at most 120 MiB (spec 1 §14), index blobs smaller still. */
export const MAX_BLOB_BYTES = 2 ** 31;

/** JSON documents: a directory of ten million entries is about 3 GiB; V8 strings end at 2^29. */
export const MAX_JSON_BYTES = 2 ** 29 - 2 ** 20;

/** Nesting of JSON documents: Kopia's deepest is 6; Go itself stops at 10,000. */
export const MAX_JSON_DEPTH = 2 ** 7;

/** The `.shards` file: 43 bytes as Kopia writes it, a few hundred with overrides. */
export const MAX_SHARDS_FILE_BYTES = 2 ** 16;

/** Blob IDs: the longest kind has about 130 characters; file names end at 255 bytes. */
export const MAX_BLOB_ID_LENGTH = 2 ** 8 - 1;
