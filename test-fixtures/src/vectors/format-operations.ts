import { createHmac } from "node:crypto";
import {
  compressorByHeaderId,
  createEncryptor,
  createHashFunction,
  formatGoTime,
  formatObjectId,
  goQuoteBytes,
  newSessionId,
  parseGoTime,
  parseObjectId,
  sessionIdOfBlob,
  splitterFactory,
  toHex,
  utf8Decode,
  utf8Encode,
  decodeConnectionToken,
  encodeConnectionToken,
} from "@kopia-engine/kopia-format";
import {
  EccCodec,
  blobLocation,
  crc32,
  decodeBlobConfig,
  decodeConnection,
  decodeContentFormat,
  decodeFormatBlob,
  decodeIndirectList,
  decodeManifestContent,
  decodeShards,
  deriveFormatKey,
  deriveWithUniqueId,
  eccParameters,
  encodeConnection,
  encodeContentFormat,
  encodeFormatCopy,
  encodeIndirectList,
  encodePayload,
  encodeShards,
  fnv1a32,
  formatBoxKey,
  hkdfSha256,
  isUpgradeLocked,
  newUpgradeLock,
  openBox,
  sealBox,
  upgradeTime,
  UPGRADED_FORMAT_VERSION,
} from "@kopia-engine/kopia-format/testing";
import {
  dataOf,
  fields,
  hexBytes,
  list,
  number,
  sha256,
  text,
  type Fields,
  type Json,
  type Operation,
  type Provider,
} from "./vector.ts";

const MAX_LENGTH = 2 ** 27;
const formatKeys = new Map<string, Promise<Uint8Array>>();

/** Format keys are slow on purpose, and asked for more than once. */
function formatKeyOf(
  password: string,
  uniqueId: Uint8Array,
  keyAlgorithm: string,
): Promise<Uint8Array> {
  const name = `${password}\n${toHex(uniqueId)}\n${keyAlgorithm}`;
  const known = formatKeys.get(name) ?? deriveFormatKey({ password, uniqueId, keyAlgorithm });
  formatKeys.set(name, known);
  return known;
}

function length(data: Uint8Array): Fields {
  return { length: data.length, sha256: sha256(data) };
}

/** Short results are given whole, long ones by their length and SHA-256. */
export function shown(data: Uint8Array): Fields {
  return data.length <= 256 ? { hex: toHex(data) } : length(data);
}

function encryptorOf(input: Fields, provider: Provider) {
  return createEncryptor(text(input["cipher"]), hexBytes(input["masterKey"]), {
    provider,
    random: (lengthBytes: number) => hexBytes(input["nonce"]).slice(0, lengthBytes),
  });
}

function shardsOf(value: Json | undefined) {
  return decodeShards(utf8Encode(JSON.stringify(value)));
}

function cutsOf(name: string, data: Uint8Array, provider: Provider): number[] {
  const splitter = splitterFactory(name, provider)!.create();
  const cuts: number[] = [];
  for (let position = 0; ;) {
    const segment = splitter.nextSplitPoint(data, position, data.length);
    if (segment < 0) return cuts;
    position += segment;
    cuts.push(position);
  }
}

/** In two halves of 32 bits: a bigint a byte takes seconds. The prime is 2^40 + 0x1b3. */
function fnv1a64(bytes: Uint8Array): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of bytes) {
    const mixed = (low ^ byte) >>> 0;
    const product = mixed * 0x1b3;
    low = product >>> 0;
    high = (high * 0x1b3 + Math.floor(product / 2 ** 32) + mixed * 2 ** 8) % 2 ** 32;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

async function openFormat(input: Fields): Promise<Fields> {
  const document = decodeFormatBlob(utf8Encode(text(input["blob"])));
  const key = await formatKeyOf(text(input["password"]), document.uniqueId, document.keyAlgorithm);
  const plaintext = openBox(formatBoxKey(key, document.uniqueId), document.encryptedFormat)!;
  const { content } = decodeContentFormat(plaintext);
  return {
    plaintextSha256: sha256(plaintext),
    version: content.version,
    hash: content.hash,
    encryption: content.encryption,
    ecc: content.ecc,
    eccOverheadPercent: content.eccOverheadPercent,
    maxPackSize: content.maxPackSizeBytes,
    indexVersion: content.indexVersion,
    enablePasswordChange: content.enablePasswordChange,
    epochsEnabled: content.epochParameters.enabled,
    splitter: content.splitter,
  };
}

function openMaintenance(input: Fields): Fields {
  const key = deriveWithUniqueId(hexBytes(input["masterKey"]), hexBytes(input["uniqueId"]), {
    purpose: "maintenance schedule",
    lengthBytes: 32,
  });
  const boxKey = { key, additionalData: utf8Encode("maintenance") };
  const payload = utf8Decode(openBox(boxKey, hexBytes(input["blob"]))!);
  const schedule = JSON.parse(payload) as Record<string, Json>;
  return {
    payloadSha256: sha256(payload),
    nextFullMaintenance: schedule["nextFullMaintenance"] ?? null,
    nextQuickMaintenance: schedule["nextQuickMaintenance"] ?? null,
    tasks: Object.keys(schedule["runs"] ?? {}).sort(),
  };
}

function lockOf(input: Fields): Parameters<typeof upgradeTime>[0] {
  return {
    ownerId: "owner",
    creationTime: text(input["creationTime"]),
    advanceNoticeDurationNs: number(input["advanceNoticeDuration"]),
    ioDrainTimeoutNs: number(input["ioDrainTimeout"]),
    statusPollIntervalNs: 0,
    maxPermittedClockDriftNs: number(input["maxPermittedClockDrift"]),
    message: "",
  };
}

function eccDecode(input: Fields): Fields {
  const codec = new EccCodec(number(input["percent"]));
  const stored =
    input["data"] === undefined ? hexBytes(input["stored"]) : codec.encode(dataOf(input["data"]));
  const damaged = Uint8Array.from(stored);
  for (const offset of list(input["flip"])) damaged[number(offset)]! ^= 0xff;
  const { message, repairedShardCount } = codec.decode(damaged);
  return { ...length(message), repairedShards: repairedShardCount };
}

/** Operations of the format layer and below, by name. */
export const FORMAT_OPERATIONS: Readonly<Record<string, Operation>> = {
  "shards.path": (input) => {
    const { directories, file } = blobLocation(shardsOf(input["shards"]), text(input["blobId"]));
    return { path: [...directories, file].join("/") };
  },
  "shards.encode": (input) => ({ text: utf8Decode(encodeShards(shardsOf(input["shards"]))) }),
  "hkdf-sha256": (input) => ({
    hex: toHex(
      hkdfSha256({
        key: hexBytes(input["key"]),
        salt: hexBytes(input["salt"]),
        info: hexBytes(input["info"]),
        lengthBytes: number(input["length"]),
      }),
    ),
  }),
  "key.format": async (input) => ({
    hex: toHex(
      await formatKeyOf(
        text(input["password"]),
        hexBytes(input["uniqueId"]),
        text(input["keyAlgorithm"]),
      ),
    ),
  }),
  "key.derive": (input) => ({
    hex: toHex(
      deriveWithUniqueId(hexBytes(input["key"]), hexBytes(input["uniqueId"]), {
        purpose: text(input["purpose"]),
        lengthBytes: number(input["length"]),
      }),
    ),
  }),
  "key.content": (input) => {
    const root = hkdfSha256({
      key: hexBytes(input["masterKey"]),
      salt: utf8Encode("encryption"),
      info: new Uint8Array(0),
      lengthBytes: 32,
    });
    const key = createHmac("sha256", root).update(hexBytes(input["iv"])).digest("hex");
    return { root: toHex(root), key };
  },
  "format.seal": (input) => {
    const boxKey = formatBoxKey(hexBytes(input["formatKey"]), hexBytes(input["uniqueId"]));
    const nonce = hexBytes(input["nonce"]);
    return shown(sealBox(boxKey, dataOf(input["data"]), () => nonce));
  },
  "format.open": openFormat,
  "format.copy": (input) => ({ hex: toHex(encodeFormatCopy(dataOf(input["data"]))) }),
  "format.blob-config": (input) => {
    const { retentionMode = "", retentionPeriodNs = 0 } = decodeBlobConfig(dataOf(input["data"]));
    return { retentionMode, retentionPeriodNs };
  },
  "format.upgrade-lock": (input) => {
    const lock = lockOf(input);
    return {
      locked: isUpgradeLocked(lock, parseGoTime(text(input["now"]))),
      upgradeTime: formatGoTime(upgradeTime(lock)),
    };
  },
  "format.lock": (input) => {
    const format = decodeContentFormat(utf8Encode(text(input["format"])));
    const request = {
      ownerId: text(input["ownerID"]),
      ioDrainTimeoutNs: number(input["ioDrainTimeout"]),
      statusPollIntervalNs: number(input["statusPollInterval"]),
      maxPermittedClockDriftNs: number(input["maxPermittedClockDrift"]),
      fromVersion: format.content.version,
    };
    const upgradeLock = newUpgradeLock(request, parseGoTime(text(input["now"])));
    const content = { ...format.content, version: UPGRADED_FORMAT_VERSION, upgradeLock };
    return { text: utf8Decode(encodeContentFormat(content, format.source)) };
  },
  "maintenance.open": openMaintenance,
  hash: async (input, provider) => {
    const hash = await createHashFunction(text(input["name"]), hexBytes(input["secret"]), provider);
    return { hex: toHex(hash.hash(dataOf(input["data"]))) };
  },
  "checksum.crc32": (input) => ({
    hex: crc32(dataOf(input["data"])).toString(16).padStart(8, "0"),
  }),
  "checksum.fnv1a32": (input) => ({ value: fnv1a32(dataOf(input["data"])) }),
  "cipher.seal": (input, provider) =>
    shown(encryptorOf(input, provider).encrypt(dataOf(input["data"]), hexBytes(input["iv"]))),
  "cipher.open": (input, provider) =>
    shown(encryptorOf(input, provider).decrypt(hexBytes(input["stored"]), hexBytes(input["iv"]))),
  "compression.open": (input, provider) => {
    const stored = hexBytes(input["stored"]);
    const headerId = Buffer.from(stored).readUInt32BE(0);
    const compressor = compressorByHeaderId(headerId, provider)!;
    const data = compressor.decompress(stored.subarray(4), MAX_LENGTH);
    return { headerId, name: compressor.name, ...length(data) };
  },
  "ecc.parameters": (input) => {
    const { maxShardBytes, dataShardCount, parityShardCount } = eccParameters(
      number(input["percent"]),
    );
    return { maxShardBytes, dataShards: dataShardCount, parityShards: parityShardCount };
  },
  "ecc.encode": (input) => {
    const encoded = new EccCodec(number(input["percent"])).encode(dataOf(input["data"]));
    return { ...shown(encoded), length: encoded.length, fnv1a64: fnv1a64(encoded) };
  },
  "ecc.decode": eccDecode,
  splitter: (input, provider) => {
    const cuts = cutsOf(text(input["name"]), dataOf(input["data"]), provider);
    return { count: cuts.length, first: cuts.slice(0, 4), cutsSha256: sha256(cuts.join(",")) };
  },
  "session.id": (input) => {
    const random = hexBytes(input["random"]);
    return { id: newSessionId(() => random, parseGoTime(text(input["time"]))) };
  },
  "session.of-blob": (input) => ({ session: sessionIdOfBlob(text(input["blobId"])) ?? null }),
  "object-id.parse": (input) => {
    const parts = parseObjectId(text(input["text"]));
    return { ...parts, canonical: formatObjectId(parts) };
  },
  "indirect.encode": (input) => {
    const entries = list(input["entries"]).map((entry) => ({
      offsetBytes: number(fields(entry)["start"]),
      lengthBytes: number(fields(entry)["length"]),
      objectId: text(fields(entry)["object"]),
    }));
    const bytes = encodeIndirectList(entries);
    return { text: utf8Decode(bytes), ...length(bytes) };
  },
  "indirect.decode": (input) => {
    const entries = decodeIndirectList(utf8Encode(text(input["text"])));
    const last = entries.at(-1)!;
    return {
      entries: entries.length,
      size: last.offsetBytes + last.lengthBytes,
      objectsSha256: sha256(entries.map(({ objectId }) => objectId).join(",")),
      reencodedSha256: sha256(encodeIndirectList(entries)),
    };
  },
  "manifest.decode": (input) => {
    const items = decodeManifestContent(hexBytes(input["content"]), "vector");
    return {
      items: items.map(({ id, labels, modified, deleted, data }) => ({
        id,
        labels: Object.fromEntries(Object.entries(labels)),
        modified: formatGoTime(modified),
        deleted,
        dataSha256: sha256(data),
      })),
    };
  },
  "manifest.payload": (input) => ({ text: utf8Decode(encodePayload(text(input["text"]))) }),
  "json.string": (input) => ({ text: goQuoteBytes(dataOf(input["data"])) }),
  "time.format": (input) => ({ text: formatGoTime(BigInt(text(input["nanoseconds"]))) }),
  "time.parse": (input) => ({ nanoseconds: String(parseGoTime(text(input["text"]))) }),
  "connection.token": (input) => {
    const token = decodeConnectionToken(text(input["token"]));
    return { storage: token.storage as never as Json, password: token.password ?? null };
  },
  "connection.token-encode": (input) => ({
    token: encodeConnectionToken(input as never),
  }),
  "connection.rewrite": (input) => {
    const place = "/home/u/.config/kopia/repository.config";
    return {
      text: encodeConnection(decodeConnection(utf8Encode(text(input["text"])), place), place),
    };
  },
};
