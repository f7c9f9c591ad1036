import { readFileSync } from "node:fs";
import { STANDARD, caseOf } from "./stated-case.ts";
import {
  fields,
  list,
  number,
  sha256,
  text,
  type Fields,
  type Json,
  type VectorCase,
} from "./vector.ts";

function readCases(name: string): Fields {
  return JSON.parse(
    readFileSync(new URL(`../../cases/${name}.json`, import.meta.url), "utf8"),
  ) as Fields;
}

function cryptoFields(item: Fields): Fields {
  const { hash, encryption, secret, masterKey } = item;
  return { hash: hash!, encryption: encryption!, secret: secret!, masterKey: masterKey! };
}

/** What a content ID proves about decrypted or decompressed bytes is checked by hashing them. */
function hashOf(contentId: string): string {
  return contentId.slice(contentId.length % 2);
}

function each(
  recorded: Fields,
  family: string,
  make: (item: Fields, at: string) => readonly VectorCase[],
): VectorCase[] {
  return list(recorded[family]).flatMap((value, i) => {
    const item = fields(value);
    return make(item, `${text(item["fixture"])}-${i + 1}`);
  });
}

function formatBlobs(recorded: Fields): VectorCase[] {
  return [
    ...each(recorded, "formats", ({ blob, password, expected, isRecorded }, at) => [
      caseOf({
        id: `recorded-formats/${at}`,
        section: "3.4",
        operation: "format.open",
        input: { blob: blob!, password: password! },
        truth: isRecorded === true ? fields(expected) : undefined,
      }),
    ]),
    ...each(recorded, "maintenance", ({ masterKey, uniqueId, blob, expected }, at) => [
      caseOf({
        id: `recorded-formats/maintenance-${at}`,
        section: "3.9",
        operation: "maintenance.open",
        input: { masterKey: masterKey!, uniqueId: uniqueId!, blob: blob! },
        truth: fields(expected),
      }),
    ]),
  ];
}

function contents(recorded: Fields): VectorCase[] {
  return each(recorded, "contents", (item, at) => {
    const iv = hashOf(text(item["contentId"])).slice(-32);
    const { encryption, masterKey, stored, plaintext } = item;
    return [
      caseOf({
        id: `recorded-contents/open-${at}`,
        section: "4.3",
        operation: "cipher.open",
        input: { cipher: encryption!, masterKey: masterKey!, iv, stored: stored! },
        truth: shownTruth(text(plaintext)),
      }),
      caseOf({
        id: `recorded-contents/hash-${at}`,
        section: "4.2",
        operation: "hash",
        input: { name: item["hash"]!, secret: item["secret"]!, data: { hex: plaintext! } },
        truth: { hex: hashOf(text(item["contentId"])) },
      }),
    ];
  });
}

function shownTruth(hex: string): Fields {
  return hex.length <= 512
    ? { hex }
    : { length: hex.length / 2, sha256: sha256(Buffer.from(hex, "hex")) };
}

function compressed(recorded: Fields): VectorCase[] {
  return each(recorded, "compressed", ({ headerId, stored, originalLength, plainSha256 }, at) => [
    caseOf({
      id: `compression/0x${number(headerId).toString(16)}-${at}`,
      section: "5.2",
      operation: "compression.open",
      input: { stored: stored! },
      truth: { headerId: headerId!, length: originalLength!, sha256: plainSha256! },
    }),
  ]);
}

/** Frames of the reference tool in forms that the original never wrote, but that a reader may meet. */
function lz4Frames(): VectorCase[] {
  return list(readCases("lz4-frames")["frames"]).map((value) => {
    const { name, lengthBytes, frame } = fields(value);
    const stored = `00001400${Buffer.from(text(frame), "base64").toString("hex")}`;
    const slug = text(name)
      .replaceAll(/[^a-z0-9]+/gi, "-")
      .toLowerCase();
    return caseOf({
      id: `compression/lz4-frame-${slug}`,
      provenance: STANDARD,
      section: "5.2",
      operation: "compression.open",
      input: { stored },
      truth: { headerId: 0x1400, name: "lz4", length: lengthBytes! },
    });
  });
}

function corrected(recorded: Fields): VectorCase[] {
  return each(recorded, "corrected", ({ percent, stored }, at) =>
    [[], [7], [text(stored).length / 2 - 1]].map((flip, i) =>
      caseOf({
        id: `recorded-ecc/${at}-${i === 0 ? "whole" : `flipped-${flip[0]}`}`,
        section: "10.3",
        operation: "ecc.decode",
        input: { percent: percent!, stored: stored!, flip },
        provenance: i === 0 ? "recorded from the original program" : "computed",
        truth: {
          ...(i === 0 ? { repairedShards: 0 } : {}),
          length: number(fieldsOf(recorded, stored!)["cipherLength"]),
        },
      }),
    ),
  );
}

function fieldsOf(recorded: Fields, stored: Json): Fields {
  return fields(
    list(recorded["corrected"]).find((item) => fields(item)["stored"] === stored) ?? {},
  );
}

function indexesAndPacks(recorded: Fields): VectorCase[] {
  return [
    ...each(recorded, "indexes", (item, at) => [
      caseOf({
        id: `recorded-indexes/${at}`,
        section: "7.3",
        operation: "blob.read-index",
        input: { ...cryptoFields(item), id: item["id"]!, data: item["data"]! },
        truth: { entryCount: item["entryCount"]! },
      }),
    ]),
    ...each(recorded, "compactionLogs", (item, at) => [
      caseOf({
        id: `recorded-indexes/compaction-log-${at}`,
        section: "8.7",
        operation: "blob.read-compaction-log",
        input: { ...cryptoFields(item), id: item["id"]!, data: item["data"]! },
        truth: {},
      }),
    ]),
    ...each(recorded, "packTails", (item, at) => [
      caseOf({
        id: `recorded-packs/${at}`,
        section: "6.3",
        operation: "pack.tail",
        input: {
          ...cryptoFields(item),
          id: item["id"]!,
          lengthBytes: item["lengthBytes"]!,
          tail: item["tail"]!,
        },
        truth: {},
      }),
    ]),
  ];
}

function texts(recorded: Fields): VectorCase[] {
  return [
    ...each(recorded, "manifests", ({ content }, at) => [
      caseOf({
        id: `recorded-manifests/${at}`,
        section: "13.1",
        operation: "manifest.decode",
        input: { content: content! },
        truth: {},
      }),
    ]),
    ...each(recorded, "directories", (item, at) => [
      hashOfText(`recorded-directories/id-${at}`, "15.1", item),
      caseOf({
        id: `recorded-directories/${at}`,
        section: "15.2",
        operation: "directory.rewrite",
        input: { text: withNewline(text(item["text"])) },
        truth: { sha256: sha256(withNewline(text(item["text"]))) },
      }),
    ]),
    ...each(recorded, "indirect", (item, at) => [
      hashOfText(`recorded-objects/id-${at}`, "12.2", item),
      caseOf({
        id: `recorded-objects/${at}`,
        section: "12.2",
        operation: "indirect.decode",
        input: { text: withNewline(text(item["text"])) },
        truth: { size: item["size"]!, reencodedSha256: sha256(withNewline(text(item["text"]))) },
      }),
    ]),
  ];
}

function withNewline(value: string): string {
  return value.endsWith("\n") ? value : `${value}\n`;
}

/** The object ID that the original gave to a stream proves its bytes. */
function hashOfText(id: string, section: string, item: Fields): VectorCase {
  const objectId = text(item["objectId"]).replace(/^I+/, "");
  return caseOf({
    id,
    section,
    operation: "hash",
    input: {
      name: item["hash"]!,
      secret: item["secret"]!,
      data: { utf8: withNewline(text(item["text"])) },
    },
    truth: { hex: hashOf(objectId) },
  });
}

function cuts(recorded: Fields): VectorCase[] {
  return list(recorded["cuts"]).flatMap((value) => {
    const { splitter, file, size, cuts: all } = fields(value);
    const byte = { "zeros.bin": 0, "aaaa.bin": 0x41 }[text(file)];
    if (byte === undefined) return [];
    const inside = list(all).map(number);
    return [
      caseOf({
        id: `splitters/${text(splitter)}/${text(file).replace(".bin", "")}`,
        section: "11.2",
        operation: "splitter",
        input: { name: splitter!, data: { generator: "repeat", byte, length: size! } },
        truth: splitterTruth(inside, number(size)),
      }),
    ];
  });
}

/** The recorded list ends with the end of the file; the operation reports only what the splitter said. */
function splitterTruth(ends: readonly number[], size: number): Fields {
  const isTail = ends.at(-1) === size;
  const first = ends.slice(0, isTail ? -1 : undefined);
  return { first: first.slice(0, 4) };
}

/** Everything taken from repositories that the original program wrote. */
export function recordedCases(): VectorCase[] {
  const recorded = readCases("recorded-bytes");
  return [
    ...formatBlobs(recorded),
    ...contents(recorded),
    ...compressed(recorded),
    ...lz4Frames(),
    ...corrected(recorded),
    ...indexesAndPacks(recorded),
    ...texts(recorded),
    ...cuts(recorded),
  ];
}

/** Retention as the original computed it. */
export function retentionCases(): VectorCase[] {
  const recorded = readCases("retention-cases");
  const lists = fields(recorded["lists"]);
  return list(recorded["cases"]).map((value, i) => {
    const { list: name, tz, policy, noParent, reasons, wouldDelete } = fields(value);
    return caseOf({
      id: `retention/${i + 1}-${text(name)}`,
      section: "18",
      operation: "retention",
      input: {
        snapshots: lists[text(name)]!,
        timeZone: tz!,
        policy: policy!,
        ...(noParent === undefined ? {} : { noParent }),
      },
      truth: { reasons: reasons!, wouldDelete: wouldDelete! },
    });
  });
}

/** Whole trees with ignore rules as the original applied them. */
export function ignoreTreeCases(): VectorCase[] {
  return list(readCases("ignore-cases")["cases"]).map((value) => {
    const { name, files, dot, policies, included, snapshot } = fields(value);
    return caseOf({
      id: `ignore/tree-${text(name)}`,
      section: "17.1",
      operation: "ignore.tree",
      input: {
        files: files!,
        ...(dot === undefined ? {} : { dotFiles: dot }),
        ...(policies === undefined ? {} : { policies }),
      },
      provenance: "recorded from the original program",
      truth: snapshot === null ? { refused: true } : { included: included! },
    });
  });
}
