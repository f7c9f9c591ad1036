/** The codecs below the public list, for the vectors of the written format. */
export { crc32 } from "../base/crc32.ts";
export { fnv1a32 } from "../base/fnv.ts";
export { hkdfSha256 } from "../base/hkdf.ts";
export {
  blobLocation,
  decodeShards,
  encodeShards,
  SHARDS_OF_NEW_REPOSITORIES,
  UNSHARDED_LENGTH,
} from "../blob/shards.ts";
export { contentIdToKey, contentIv, keyToContentId } from "../content/content-id.ts";
export { CommittedIndex } from "../content/index/committed-index.ts";
export { buildIndex, indexShardOf } from "../content/index/build-index.ts";
export type { IndexReader } from "../content/index/index-reader.ts";
export { openIndex } from "../content/index/open-index.ts";
export {
  blobIv,
  decryptBlob,
  encryptBlob,
  type BlobCrypto,
} from "../content/index-blob/blob-crypto.ts";
export { firstCompleteSet } from "../content/index-blob/epoch/complete-set.ts";
export {
  parseEpoch,
  parseEpochRange,
  parseWatermark,
} from "../content/index-blob/epoch/epoch-names.ts";
export { longestRangeChain } from "../content/index-blob/epoch/range-chain.ts";
export { decodeCompactionLog } from "../content/index-blob/v0/compaction-log.ts";
export { decodePostamble, encodePostamble } from "../content/pack/postamble.ts";
export { encodeSessionMarker } from "../content/session.ts";
export { EccCodec } from "../ecc/ecc-codec.ts";
export { eccParameters } from "../ecc/ecc-parameters.ts";
export { decodeBlobConfig } from "../format/blob-config.ts";
export { decodeContentFormat, encodeContentFormat } from "../format/content-format-json.ts";
export { decodeFormatBlob } from "../format/format-blob.ts";
export { encodeFormatCopy } from "../format/format-copy.ts";
export { deriveFormatKey, deriveWithUniqueId } from "../format/key-derivation.ts";
export { formatBoxKey, openBox, sealBox } from "../format/sealed-box.ts";
export {
  isUpgradeLocked,
  newUpgradeLock,
  upgradeTime,
  UPGRADED_FORMAT_VERSION,
} from "../format/upgrade-lock.ts";
export { decodeManifestContent, encodePayload } from "../manifest/manifest-content.ts";
export { decodeIndirectList, encodeIndirectList } from "../object/indirect-list.ts";
export { decodeConnection, encodeConnection } from "../repository/connection-codec.ts";
