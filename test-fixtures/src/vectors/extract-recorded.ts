/**
 * Takes bytes that the original program wrote out of the recorded repositories, with what it said about them:
 *
 *     KOPIA_FIXTURES=DIR node test-fixtures/src/vectors/extract-recorded.ts
 *
 * writes `test-fixtures/cases/recorded-bytes.json`, from which the vectors are generated. What is
 * expected of the bytes is the original's own word: content IDs, listings, parameters that it printed.
 */
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  FORMAT_BLOB_ID,
  MAINTENANCE_BLOB_ID,
  createContentManager,
  createEncryptor,
  createHashFunction,
  loadRepositoryFormat,
  openFilesystemStorage,
  systemClock,
  systemRandom,
  toHex,
  utf8Decode,
  type BlobStorage,
  type ContentEntry,
  type ContentManager,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import {
  EccCodec,
  decryptBlob,
  openIndex,
  type BlobCrypto,
} from "@kopia-engine/kopia-format/testing";
import { sha256 } from "./vector.ts";
import { fixtureDirectory, fixtureNames, loadFixture, type Fixture } from "../fixture.ts";

/** A listing line of `content list --json` as the original printed it. */
interface RecordedContent {
  readonly contentID: string;
  readonly packFile: string;
  readonly packOffset: number;
  readonly length: number;
  readonly originalLength: number;
  readonly time: number;
  readonly deleted: boolean;
  readonly formatVersion: number;
  readonly compression?: number;
}

interface Opened {
  readonly fixture: Fixture;
  readonly storage: BlobStorage;
  readonly format: RepositoryFormat;
  readonly contents: ContentManager;
  readonly crypto: BlobCrypto;
}

type Recorded = Record<string, unknown>;
const out: Record<string, Recorded[]> = {
  formats: [],
  contents: [],
  compressed: [],
  corrected: [],
  indexes: [],
  packTails: [],
  manifests: [],
  directories: [],
  indirect: [],
  compactionLogs: [],
  maintenance: [],
  cuts: [],
};

function keys({ hash, encryption, secret, masterKey }: RepositoryFormat["content"]): Recorded {
  return { hash, encryption, secret: toHex(secret), masterKey: toHex(masterKey) };
}

async function open(fixture: Fixture, path: string): Promise<Opened> {
  const storage = await openFilesystemStorage({ path });
  const format = await loadRepositoryFormat(storage, fixture.password);
  const { content } = format;
  const crypto = {
    hash: await createHashFunction(content.hash, content.secret),
    encryptor: createEncryptor(content.encryption, content.masterKey),
  };
  const ecc = content.ecc === "" ? undefined : new EccCodec(content.eccOverheadPercent);
  const encryptor =
    ecc === undefined
      ? crypto.encryptor
      : Object.assign(Object.create(crypto.encryptor) as typeof crypto.encryptor, {
          decrypt: (data: Uint8Array, iv: Uint8Array) =>
            crypto.encryptor.decrypt(ecc.decode(data).message, iv),
        });
  const contents = await createContentManager({
    storage,
    format,
    hash: crypto.hash,
    encryptor,
    clock: systemClock,
    random: systemRandom,
    client: { username: "u", hostname: "h" },
  });
  return { fixture, storage, format, contents, crypto: { ...crypto, encryptor } };
}

function listed({ fixture }: Opened): RecordedContent[] {
  return (fixture.full("contents") ?? []) as RecordedContent[];
}

async function stored({ storage }: Opened, entry: RecordedContent): Promise<Uint8Array> {
  return await storage.get(entry.packFile, {
    offsetBytes: entry.packOffset,
    lengthBytes: entry.length,
  });
}

function saidFormat(content: Recorded, object: Recorded): Recorded {
  const epochs = content["epochParameters"] as Recorded | undefined;
  return {
    version: content["version"],
    hash: content["hash"],
    encryption: content["encryption"],
    ecc: content["ecc"] ?? "",
    eccOverheadPercent: content["eccOverheadPercent"] ?? 0,
    maxPackSize: content["maxPackSize"],
    indexVersion: content["indexVersion"],
    enablePasswordChange: content["enablePasswordChange"] ?? false,
    epochsEnabled: epochs?.["Enabled"] ?? false,
    splitter: object["splitter"],
  };
}

async function takeFormat({ fixture, storage, format }: Opened): Promise<void> {
  const blob = await storage.get(FORMAT_BLOB_ID);
  const said = fixture.record["format"] as
    | { uniqueIDHex: string; contentFormat: Recorded; objectFormat: Recorded }
    | undefined;
  const uniqueIDHex = said?.uniqueIDHex ?? toHex(format.uniqueId);
  out["formats"]!.push({
    fixture: fixture.name,
    kopiaVersion: fixture.record.kopiaVersion,
    password: fixture.password,
    blob: utf8Decode(blob),
    // 0.9.8 does not print its format: there it is read, not recorded.
    isRecorded: said !== undefined,
    expected: said === undefined ? undefined : saidFormat(said.contentFormat, said.objectFormat),
  });
  const root = format.content.enablePasswordChange ? format.content.masterKey : undefined;
  if (root === undefined) return;
  const maintenance = await storage.get(MAINTENANCE_BLOB_ID);
  if (maintenance.length > 3000) return;
  const schedule = (fixture.record["maintenance"] as { schedule?: Recorded } | undefined)?.schedule;
  if (schedule === undefined) return;
  out["maintenance"]!.push({
    fixture: fixture.name,
    masterKey: toHex(root),
    uniqueId: uniqueIDHex,
    blob: toHex(maintenance),
    expected: {
      nextFullMaintenance: schedule["nextFullMaintenance"],
      nextQuickMaintenance: schedule["nextQuickMaintenance"],
      tasks: Object.keys(schedule["runs"] ?? {}).sort(),
    },
  });
}

async function takeContents(opened: Opened, count: number): Promise<void> {
  const { format, fixture } = opened;
  const plain = listed(opened).filter((e) => (e.compression ?? 0) === 0 && !e.deleted);
  const chosen = plain
    .filter((e) => e.length < 400)
    .sort((a, b) => a.length - b.length)
    .filter((_, i, all) => i % Math.max(1, Math.floor(all.length / count)) === 0)
    .slice(0, count);
  for (const entry of chosen) {
    out["contents"]!.push({
      fixture: fixture.name,
      ...keys(format.content),
      contentId: entry.contentID,
      stored: toHex(await stored(opened, entry)),
      plaintext: toHex(await opened.contents.getContent(entry.contentID)),
    });
  }
}

async function takeCompressed(opened: Opened): Promise<void> {
  const { format, fixture, crypto } = opened;
  const byId = new Map<number, RecordedContent[]>();
  for (const entry of listed(opened)) {
    const id = entry.compression ?? 0;
    if (id === 0 || entry.length > 40_000 || entry.deleted) continue;
    byId.set(id, [...(byId.get(id) ?? []), entry]);
  }
  for (const [headerId, entries] of byId) {
    entries.sort((a, b) => a.length - b.length);
    const small = entries.filter(({ length }, i) => i === 0 || length <= 4000);
    for (const entry of new Set([small[0]!, small[small.length >> 1]!, small.at(-1)!])) {
      const hashHex = entry.contentID.slice(entry.contentID.length % 2);
      const iv = Uint8Array.from(Buffer.from(hashHex, "hex")).subarray(-16);
      out["compressed"]!.push({
        fixture: fixture.name,
        headerId,
        contentId: entry.contentID,
        hash: format.content.hash,
        secret: toHex(format.content.secret),
        originalLength: entry.originalLength,
        // Proven by the content ID, which is the keyed hash of these bytes.
        plainSha256: sha256(await opened.contents.getContent(entry.contentID)),
        stored: toHex(crypto.encryptor.decrypt(await stored(opened, entry), iv)),
      });
    }
  }
}

async function takeCorrected(opened: Opened): Promise<void> {
  const { format, fixture } = opened;
  const entries = listed(opened)
    .filter((e) => e.length < 4000 && (e.compression ?? 0) === 0)
    .sort((a, b) => a.length - b.length);
  for (const entry of new Set([entries[0]!, entries[entries.length >> 1]!, entries.at(-1)!])) {
    out["corrected"]!.push({
      fixture: fixture.name,
      ...keys(format.content),
      percent: format.content.eccOverheadPercent,
      contentId: entry.contentID,
      // Nonce and tag of the cipher come on top.
      cipherLength: entry.originalLength + 28,
      stored: toHex(await stored(opened, entry)),
    });
  }
}

async function takeIndexes(opened: Opened, count: number): Promise<void> {
  const { fixture, storage, crypto, format } = opened;
  if (format.content.ecc !== "") return;
  const prefixes = format.content.epochParameters.enabled ? ["xn", "xs", "xr"] : ["n"];
  for (const prefix of prefixes) {
    const blobs = [];
    for await (const blob of storage.list(prefix)) if (blob.lengthBytes < 2500) blobs.push(blob);
    blobs.sort((a, b) => a.id.localeCompare(b.id));
    for (const { id } of blobs.slice(0, count)) {
      if (id.startsWith("n00000000000")) continue;
      const data = await storage.get(id);
      const expected = listed(opened);
      out["indexes"]!.push({
        fixture: fixture.name,
        ...keys(format.content),
        id,
        data: toHex(data),
        listed: expected.map(
          (e) => `${e.contentID} ${e.packFile} ${e.packOffset} ${e.length} ${e.time}`,
        ),
        index: toHex(decryptBlob(crypto, { id, data })),
      });
    }
  }
  if (format.content.epochParameters.enabled) return;
  for await (const { id } of storage.list("m")) {
    const data = await storage.get(id);
    out["compactionLogs"]!.push({
      fixture: fixture.name,
      ...keys(format.content),
      id,
      data: toHex(data),
    });
  }
}

async function takePackTails(opened: Opened, count: number): Promise<void> {
  const { fixture, storage, format } = opened;
  if (format.content.ecc !== "") return;
  const blobs = [];
  for await (const blob of storage.list("q")) blobs.push(blob);
  blobs.sort((a, b) => a.id.localeCompare(b.id));
  for (const { id, lengthBytes } of blobs.slice(0, count)) {
    const tailBytes = Math.min(lengthBytes, 1200);
    const tail = await storage.get(id, {
      offsetBytes: lengthBytes - tailBytes,
      lengthBytes: tailBytes,
    });
    out["packTails"]!.push({
      fixture: fixture.name,
      ...keys(format.content),
      id,
      lengthBytes,
      tail: toHex(tail),
    });
  }
}

async function takeManifests({ contents, fixture }: Opened, count: number): Promise<void> {
  const entries: ContentEntry[] = [...contents.contents({ range: { start: "m", end: "m{" } })];
  for (const { contentId } of entries.slice(0, count)) {
    const data = await contents.getContent(contentId);
    if (data.length < 2000) {
      const known = (
        fixture.record["manifests"] as { id: string; labels: Recorded; length: number }[]
      ).map(({ id, labels, length }) => ({ id, labels, length }));
      out["manifests"]!.push({ fixture: fixture.name, contentId, content: toHex(data), known });
    }
  }
}

function takeTexts({ fixture, format }: Opened): void {
  const directories = (fixture.record["rootDirectoryStreamText"] ?? {}) as Record<string, string>;
  for (const [objectId, text] of Object.entries(directories).slice(0, 1)) {
    if (text.length < 4000)
      out["directories"]!.push({ fixture: fixture.name, ...keys(format.content), objectId, text });
  }
  const objects = (fixture.record["objects"] ?? []) as Recorded[];
  for (const { objectID, indirectText, size } of objects.slice(0, 1)) {
    if (typeof indirectText === "string" && indirectText.length < 4000)
      out["indirect"]!.push({
        fixture: fixture.name,
        ...keys(format.content),
        objectId: objectID,
        text: indirectText,
        size,
      });
  }
}

async function takeAll(name: string): Promise<void> {
  const fixture = loadFixture(name);
  using unpacked = fixture.unpack();
  const opened = await open(fixture, unpacked.path);
  if (/default|format|ecc-20$|pbkdf2|set-parameters|upgraded/.test(name)) await takeFormat(opened);
  if (/hash|cipher/.test(name)) await takeContents(opened, 3);
  if (/compressors/.test(name)) await takeCompressed(opened);
  if (/ecc-(1|5|20)$/.test(name)) await takeCorrected(opened);
  if (/v\d+-default|format1|epochs|undelete/.test(name)) {
    await takeIndexes(opened, 2);
    await takePackTails(opened, 1);
    await takeManifests(opened, 2);
  }
  takeTexts(opened);
}

function takeCuts(): void {
  for (const name of fixtureNames(/splitter/)) {
    const record = loadFixture(name).record as unknown as {
      cuts: { splitter: string; files: Record<string, number[]> };
      trees: Record<string, { rows?: readonly (readonly unknown[])[] }>;
    };
    for (const [file, cuts] of Object.entries(record.cuts.files)) {
      const row = Object.values(record.trees)[0]?.rows?.find(([path]) =>
        String(path).endsWith(file),
      );
      out["cuts"]!.push({
        fixture: name,
        splitter: record.cuts.splitter,
        file,
        size: row?.[3],
        cuts,
      });
    }
  }
}

console.log(`fixtures in ${fixtureDirectory()}: ${readdirSync(fixtureDirectory()).length} files`);
for (const name of fixtureNames(/^fs-(?!.*splitter|v0231-ecc-20-corrected|.*password)/)) {
  try {
    await takeAll(name);
  } catch (error) {
    console.log(`${name}: ${String(error)}`);
  }
}
for (const name of fixtureNames(/splitter-(fixed-128k|dynamic-128k)/)) await takeAll(name);
takeCuts();
// What the original lists with the very same place proves the reading of an index.
for (const index of out["indexes"]!) {
  const text = index["listed"] as string[];
  const reader = openIndex(Uint8Array.from(Buffer.from(index["index"] as string, "hex")), "x");
  const own = new Set<string>();
  for (let i = 0; i < reader.entryCount; i++) {
    const e = reader.entryAt(i);
    own.add(
      `${e.contentId} ${e.packBlobId} ${e.packOffset} ${e.packedLength} ${e.timestampSeconds}`,
    );
  }
  index["listedOfIndex"] = text.filter((line) => own.has(line)).length;
  index["entryCount"] = own.size;
  delete index["listed"];
  delete index["index"];
}
const target = fileURLToPath(new URL("../../cases/recorded-bytes.json", import.meta.url));
const lines = Object.entries(out).map(
  ([family, items]) =>
    `${JSON.stringify(family)}: [\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]`,
);
writeFileSync(target, `{\n${lines.join(",\n")}\n}\n`);
for (const [family, items] of Object.entries(out)) console.log(family, items.length);
console.log(readFileSync(join(target)).length, "bytes");
