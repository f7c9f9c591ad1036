import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { concatBytes, utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import { compressorByHeaderId } from "../compression/registry.ts";
import { FixedSplitter } from "../splitter/fixed-splitter.ts";
import type { SplitterFactory } from "../splitter/splitter.ts";
import { MemoryContents } from "../testing/memory-contents.ts";
import { seededBytes } from "../testing/seeded.ts";
import { ContentObjectWriterStore } from "./content-object-writer-store.ts";
import { encodeIndirectList } from "./indirect-list.ts";

/** Splitters with tiny segments: `FIXED-<bytes>`. */
function tinySplitter(name: string): SplitterFactory | undefined {
  const segmentBytes = Number(/^FIXED-(\d+)$/.exec(name)?.[1] ?? 0);
  if (segmentBytes === 0) return undefined;
  return { name, provider: "portable", create: () => new FixedSplitter(segmentBytes) };
}

/** Lists of two entries must fit into one segment of the default, or they would never end. */
function open(defaultSplitter = "FIXED-400", indexVersion = 2) {
  const contents = new MemoryContents();
  const objects = new ContentObjectWriterStore(contents, {
    compressorByHeaderId,
    splitterFactory: tinySplitter,
    defaultSplitter,
    indexVersion,
  });
  return { contents, objects };
}

const SMALL = { splitter: "FIXED-100" };

async function readChunks(chunks: AsyncIterable<Bytes>): Promise<Bytes> {
  const parts: Bytes[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return concatBytes(...parts);
}

test("an empty object is one content of no bytes", async () => {
  const { contents, objects } = open();
  const id = objects.writeObject(new Uint8Array(0));
  expect(contents.writes.map((write) => write.id)).toEqual([id]);
  const reader = await objects.openObject(id);
  expect(reader.lengthBytes).toBe(0);
  expect(await reader.read(0, 10)).toEqual(new Uint8Array(0));
  expect(await readChunks(reader.chunks())).toEqual(new Uint8Array(0));
  expect(await objects.objectPieces(id)).toEqual([
    { offsetBytes: 0, lengthBytes: 0, contentId: id, compressed: false },
  ]);
});

test("data that ends on a cut has no empty last piece", async () => {
  const { contents, objects } = open();
  const id = objects.writeObject(seededBytes(1, 100));
  expect(contents.writes.length).toBe(1);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
});

test("index streams take the default splitter, prefix x and the metadata compressor", async () => {
  const { contents, objects } = open("FIXED-1000");
  const data = seededBytes(2, 450);
  const id = objects.writeObject(data, {
    splitter: "FIXED-100",
    compressionHeaderId: 0x1100,
    metadataCompressionHeaderId: 0x1101,
  });
  expect(id).toMatch(/^Ix[0-9a-f]{32}$/);
  expect(contents.writes.map(({ options }) => options)).toEqual([
    ...Array.from({ length: 5 }, () => ({ prefix: "", compressionHeaderId: 0x1100 })),
    { prefix: "x", compressionHeaderId: 0x1101 },
  ]);
  const index = utf8Decode(await contents.getContent(id.slice(1)));
  expect(index).toMatch(/^\{"stream":"kopia:indirect","entries":\[\{"l":100,"o":"[0-9a-f]{32}"\},/);
  expect(await objects.readObject(id)).toEqual(data);
});

test("a directory stream keeps its prefix on every level", async () => {
  const { objects } = open();
  const data = seededBytes(3, 2000);
  const id = objects.writeObject(data, { prefix: "k", ...SMALL });
  expect(id).toMatch(/^I{2,}k[0-9a-f]{32}$/);
  expect(await objects.readObject(id)).toEqual(data);
  const ids = await objects.verifyObject(id);
  expect(ids.every((contentId) => contentId.startsWith("k"))).toBe(true);
});

test("an unknown splitter of a policy means the repository's, one of the format is an error", () => {
  const { contents, objects } = open("FIXED-400");
  objects.writeObject(seededBytes(4, 1000), { splitter: "NO-SUCH" });
  expect(contents.writes.length).toBe(4);
  expect(() => open("NO-SUCH")).toThrow(expect.objectContaining({ code: "ALGORITHM_UNKNOWN" }));
});

test("the result does not depend on the slices that are written, and writers do not disturb each other", async () => {
  const { objects } = open();
  const data = seededBytes(5, 1000);
  const whole = objects.writeObject(data, SMALL);
  const bytewise = objects.createWriter(SMALL);
  const sliced = objects.createWriter(SMALL);
  for (let i = 0; i < data.length; i++) {
    bytewise.write(data.subarray(i, i + 1));
    if (i % 37 === 0) sliced.write(data.subarray(i, i + 37));
  }
  expect(bytewise.lengthBytes).toBe(1000);
  expect(bytewise.finish()).toBe(whole);
  expect(sliced.finish()).toBe(whole);
  // The pooled splitter of a finished writer starts afresh.
  expect(objects.writeObject(data, SMALL)).toBe(whole);
});

test("the caller may reuse the array that it wrote", async () => {
  const { objects } = open();
  const buffer = new Uint8Array(40).fill(1);
  const writer = objects.createWriter({ splitter: "FIXED-64" });
  writer.write(buffer);
  buffer.fill(2);
  writer.write(buffer);
  buffer.fill(3);
  const id = writer.finish();
  const expected = concatBytes(new Uint8Array(40).fill(1), new Uint8Array(40).fill(2));
  expect(await objects.readObject(id)).toEqual(expected);
});

test("a checkpoint names what has been flushed", async () => {
  const { objects } = open();
  const data = seededBytes(6, 350);
  const writer = objects.createWriter(SMALL);
  writer.write(data.subarray(0, 99));
  expect(writer.checkpoint()).toBe("");
  writer.write(data.subarray(99, 150));
  const one = writer.checkpoint();
  expect(await objects.readObject(one)).toEqual(data.subarray(0, 100));
  writer.write(data.subarray(150));
  expect(await objects.readObject(writer.checkpoint())).toEqual(data.subarray(0, 300));
  const id = writer.finish();
  expect(await objects.readObject(id)).toEqual(data);
  expect(() => writer.write(data)).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
  expect(() => writer.finish()).toThrow(expect.objectContaining({ code: "ARGUMENT_INVALID" }));
});

test("ranges give exactly the bytes that exist", async () => {
  const { objects } = open();
  const data = seededBytes(7, 95);
  const reader = await objects.openObject(objects.writeObject(data, { splitter: "FIXED-10" }));
  expect(reader.lengthBytes).toBe(95);
  for (const [offset, length] of [
    [0, 95],
    [0, 1000],
    [5, 10],
    [10, 10],
    [9, 2],
    [94, 1],
    [94, 5],
    [95, 1],
    [200, 1],
    [30, 0],
  ] as const) {
    expect(await reader.read(offset, length)).toEqual(data.subarray(offset, offset + length));
  }
  await expect(reader.read(-1, 1)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  await expect(reader.read(0, 0.5)).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  expect(await readChunks(reader.chunks())).toEqual(data);
});

test("concatenation flattens lists and keeps parts of no bytes", async () => {
  const { objects } = open();
  const parts = [250, 0, 30, 420].map((length, index) => seededBytes(10 + index, length));
  const ids = parts.map((part) => objects.writeObject(part, SMALL));
  const id = await objects.concatenate(ids, 0x1101);
  expect(await objects.readObject(id)).toEqual(concatBytes(...parts));
  const pieces = await objects.objectPieces(id);
  expect(pieces.map((piece) => piece.lengthBytes)).toEqual([
    100, 100, 50, 0, 30, 100, 100, 100, 100, 20,
  ]);
  const reader = await objects.openObject(id);
  expect(await reader.read(240, 20)).toEqual(concatBytes(...parts).subarray(240, 260));
  expect(await objects.concatenate([ids[0] as string])).toBe(ids[0]);
  await expect(objects.concatenate([])).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
});

test("in index version 1 file data is compressed in the object layer", async () => {
  const { contents, objects } = open("FIXED-10000", 1);
  const text = utf8Encode("compressible ".repeat(300));
  const id = objects.writeObject(text, { compressionHeaderId: 0x1000 });
  expect(id).toMatch(/^Z[0-9a-f]{32}$/);
  expect([...(await contents.getContent(id.slice(1)))].slice(0, 4)).toEqual([0, 0, 0x10, 0]);
  expect(await objects.readObject(id)).toEqual(text);
  expect(await objects.objectPieces(id)).toEqual([
    { offsetBytes: 0, lengthBytes: text.length, contentId: id.slice(1), compressed: true },
  ]);
  // Random bytes do not shrink, directories are never compressed there.
  expect(objects.writeObject(seededBytes(8, 500), { compressionHeaderId: 0x1000 })).not.toMatch(
    /^Z/,
  );
  expect(objects.writeObject(text, { prefix: "k", compressionHeaderId: 0x1000 })).toMatch(/^k/);
  expect(contents.writes.every(({ options }) => !options.compressionHeaderId)).toBe(true);
  const joined = await objects.concatenate([id, id]);
  expect(await objects.readObject(joined)).toEqual(concatBytes(text, text));
});

test("missing and changed contents are named", async () => {
  const { contents, objects } = open();
  const id = objects.writeObject(seededBytes(9, 250), SMALL);
  const [first, second, third] = contents.writes.map((write) => write.id) as [
    string,
    string,
    string,
  ];
  contents.put(second, new Uint8Array(99));
  await expect(objects.readObject(id)).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
  contents.forget(third);
  await expect(objects.verifyObject(id)).rejects.toMatchObject({
    code: "OBJECT_NOT_FOUND",
    details: { contentId: third },
  });
  const reader = await objects.openObject(id);
  await expect(reader.read(200, 10)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  expect((await reader.read(0, 50)).length).toBe(50);
  contents.forget(first);
  await expect(objects.openObject(first)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
  await expect(objects.objectPieces(first)).rejects.toMatchObject({ code: "OBJECT_NOT_FOUND" });
});

test("verification finds each content once, lists first, and takes deleted ones for present", async () => {
  const { contents, objects } = open();
  const id = objects.writeObject(new Uint8Array(1000), SMALL);
  const leaf = contents.writes[0]?.id as string;
  contents.deleteContent(leaf);
  const ids = await objects.verifyObject(id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids.at(-1)).toBe(leaf);
  expect(ids.length).toBeGreaterThan(2);
});

test("lists that name each other end in an error", async () => {
  const { contents, objects } = open();
  contents.put("xaa", encodeIndirectList([{ offsetBytes: 0, lengthBytes: 5, objectId: "Ixbb" }]));
  contents.put("xbb", encodeIndirectList([{ offsetBytes: 0, lengthBytes: 5, objectId: "Ixaa" }]));
  await expect(objects.openObject("Ixaa")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
  contents.put("xcc", encodeIndirectList([{ offsetBytes: 0, lengthBytes: 5, objectId: "xcc" }]));
  await expect(objects.openObject("IIIxcc")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
});

test("lists inside lists are followed when their lengths agree", async () => {
  const { contents, objects } = open();
  contents.put("aa", utf8Encode("hello"));
  contents.put("xbb", encodeIndirectList([{ offsetBytes: 0, lengthBytes: 5, objectId: "aa" }]));
  const outer = (lengthBytes: number): Bytes =>
    encodeIndirectList([
      { offsetBytes: 0, lengthBytes, objectId: "Ixbb" },
      { offsetBytes: lengthBytes, lengthBytes: 5, objectId: "aa" },
    ]);
  contents.put("xcc", outer(5));
  expect(utf8Decode(await objects.readObject("Ixcc"))).toBe("hellohello");
  contents.put("xcc", outer(6));
  await expect(objects.readObject("Ixcc")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
});

test("objects that are too long for memory are refused before they are read", async () => {
  const { contents, objects } = open();
  contents.put(
    "xaa",
    encodeIndirectList([{ offsetBytes: 0, lengthBytes: 2 ** 40, objectId: "bb" }]),
  );
  await expect(objects.readObject("Ixaa")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
  await expect(objects.openObject("IIxaa")).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("Z objects with a bad header are refused", async () => {
  const { contents, objects } = open();
  contents.put("aa", new Uint8Array([0, 0]));
  await expect(objects.readObject("Zaa")).rejects.toMatchObject({ code: "OBJECT_CORRUPT" });
  contents.put("aa", new Uint8Array([0, 0, 0x77, 0x77, 1, 2, 3]));
  await expect(objects.readObject("Zaa")).rejects.toMatchObject({ code: "ALGORITHM_UNKNOWN" });
});

test("seeded data has the ID it always had", () => {
  const { objects } = open();
  const data = seededBytes(11, 100);
  expect(objects.writeObject(data)).toBe(
    createHash("sha256").update(data).digest("hex").slice(0, 32),
  );
});
