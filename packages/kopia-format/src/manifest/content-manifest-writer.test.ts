import { expect, test } from "vitest";
import { NS_PER_MS } from "../base/clock.ts";
import { isKopiaError } from "../base/errors.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { MemoryContents } from "../testing/memory-contents.ts";
import { seededRandom } from "../testing/seeded.ts";
import { ContentManifestReader } from "./content-manifest-reader.ts";
import { ContentManifestWriter } from "./content-manifest-writer.ts";
import { encodeManifestContent, encodePayload, tombstone } from "./manifest-content.ts";

let seed = 0;

function open(contents = new MemoryContents()) {
  const clock = new FakeClock();
  let onRefresh = (): void => {};
  const options = {
    contents,
    clock,
    random: seededRandom(seed++),
    refresh: async () => onRefresh(),
    ignoreMalformed: false,
  };
  const writer = new ContentManifestWriter(options);
  const reader = new ContentManifestReader(options);
  return {
    contents,
    clock,
    writer,
    reader,
    options,
    whenRefreshed: (action: () => void) => (onRefresh = action),
  };
}

function manifestContents(contents: MemoryContents): string[] {
  return [...contents.contents({ range: { start: "m", end: "n" } })].map(
    (entry) => entry.contentId,
  );
}

test("what is put is found by any part of its labels, oldest first", async () => {
  const { writer, reader, clock } = open();
  const first = await writer.put({ type: "snapshot", path: "/a" }, '{"n": 1}');
  clock.advance(1n * NS_PER_MS);
  const second = await writer.put({ type: "snapshot", path: "/b" }, "2");
  expect(first).toMatch(/^[0-9a-f]{32}$/);
  const ids = async (labels: Record<string, string>): Promise<string[]> =>
    (await writer.find(labels)).map((entry) => entry.id);
  expect(await ids({ type: "snapshot" })).toEqual([first, second]);
  expect(await ids({ type: "snapshot", path: "/b" })).toEqual([second]);
  expect(await ids({})).toEqual([first, second]);
  expect(await ids({ type: "policy" })).toEqual([]);
  expect(await ids({ toString: "x" })).toEqual([]);
  expect(await writer.getPayload(first)).toBe('{"n":1}');
  expect((await writer.getEntry(first)).lengthBytes).toBe(7);
  // Only a flush makes them contents.
  expect(await reader.find({})).toEqual([]);
  await writer.flush();
  expect((await reader.find({})).map((entry) => entry.id)).toEqual([first, second]);
  expect(await reader.getPayload(second)).toBe("2");
  await expect(reader.getPayload("00")).rejects.toMatchObject({ code: "MANIFEST_NOT_FOUND" });
});

test("one flush writes one content, and nothing when nothing is pending", async () => {
  const { writer, contents } = open();
  await writer.put({ type: "a" }, "1");
  await writer.put({ type: "a" }, "2");
  await writer.flush();
  await writer.flush();
  expect(manifestContents(contents).length).toBe(1);
  expect(contents.writes.map(({ options }) => options)).toEqual([
    { prefix: "m", compressionHeaderId: 0x1101 },
  ]);
});

test("labels without a type and payloads that are no JSON are refused", async () => {
  const { writer } = open();
  await expect(writer.put({}, "1")).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  await expect(writer.put({ type: "" }, "1")).rejects.toMatchObject({ code: "MANIFEST_INVALID" });
  await writer.put({ type: "a" }, "1");
  await expect(writer.replace({ type: "a" }, "{")).rejects.toMatchObject({
    code: "MANIFEST_INVALID",
  });
  expect((await writer.find({})).length).toBe(1);
});

test("a deleted manifest is gone, also when the clock of its writer was ahead", async () => {
  const { writer, reader, clock, contents } = open();
  clock.advance(3_600_000n * NS_PER_MS);
  const id = await writer.put({ type: "a" }, "1");
  await writer.flush();
  clock.advance(-3_600_000n * NS_PER_MS);
  await writer.delete(id);
  await writer.delete("ffffffffffffffffffffffffffffffff");
  expect(await writer.find({})).toEqual([]);
  await writer.flush();
  expect(await reader.find({})).toEqual([]);
  expect(manifestContents(contents).length).toBe(2);
});

test("what was never written leaves no trace when it is deleted", async () => {
  const { writer, contents } = open();
  await writer.delete(await writer.put({ type: "a" }, "1"));
  await writer.flush();
  expect(contents.writes).toEqual([]);
});

test("replace leaves one manifest of these labels and none of the others alone", async () => {
  const { writer } = open();
  await writer.put({ type: "policy", policyType: "global" }, "1");
  await writer.put({ type: "policy", policyType: "global", path: "/a" }, "2");
  const other = await writer.put({ type: "policy", policyType: "host" }, "3");
  await writer.flush();
  const id = await writer.replace({ type: "policy", policyType: "global" }, "4");
  const found = (await writer.find({ type: "policy" })).map((entry) => entry.id);
  expect(new Set(found)).toEqual(new Set([id, other]));
  await writer.flush();
  expect((await writer.find({ type: "policy" })).length).toBe(2);
});

test("from sixteen contents on a flush joins them, without tombstones", async () => {
  const { writer, reader, contents, clock } = open();
  const ids: string[] = [];
  for (let i = 0; i < 16; i++) {
    clock.advance(1n * NS_PER_MS);
    ids.push(await writer.put({ type: "a", n: String(i) }, String(i)));
    await writer.flush();
  }
  expect(manifestContents(contents).length).toBe(16);
  await writer.delete(ids[3] as string);
  await writer.flush();
  expect(manifestContents(contents).length).toBe(1);
  ids.splice(3, 1);
  expect((await reader.find({})).map((entry) => entry.id)).toEqual(ids);
  expect(await reader.getPayload(ids[14] as string)).toBe("15");
  // The write and the deletions happened without a flush of contents between them.
  expect(contents.flushCount).toBe(0);
});

test("a tombstone that arrives before a compaction is not undone", async () => {
  const { writer, reader, contents, whenRefreshed, clock } = open();
  const id = await writer.put({ type: "a" }, "1");
  await writer.flush();
  for (let i = 0; i < 15; i++) {
    clock.advance(1n * NS_PER_MS);
    await writer.put({ type: "b" }, String(i));
    await writer.flush();
  }
  whenRefreshed(() => contents.put("mff", encodeManifestContent([tombstone(id, clock.now())])));
  await writer.put({ type: "c" }, "1");
  await writer.flush();
  expect(await reader.find({ type: "a" })).toEqual([]);
  expect((await reader.find({})).length).toBe(16);
  expect(manifestContents(contents).length).toBe(1);
});

test("of two items with one ID the later one wins, whatever the order of contents", async () => {
  const { reader, contents } = open();
  const item = (modified: bigint, data: string) => ({
    id: "aa",
    labels: { type: "t" },
    modified,
    deleted: false,
    data: encodePayload(data),
  });
  contents.put("m01", encodeManifestContent([item(2n, "2")]));
  contents.put("m02", encodeManifestContent([item(3n, "3"), item(1n, "1")]));
  contents.put("m03", encodeManifestContent([tombstone("aa", 2n)]));
  expect(await reader.getPayload("aa")).toBe("3");
  contents.put("m00", encodeManifestContent([tombstone("aa", 4n)]));
  expect(await reader.find({})).toEqual([]);
});

test("a content that was compacted away during the scan is looked for again", async () => {
  const { reader, contents, whenRefreshed } = open();
  contents.put("m01", encodeManifestContent([]));
  // Listed, but the bytes are gone until the index is loaded again.
  const lost = contents.getContentInfo("m01");
  contents.forget("m01");
  const listed = contents.contents.bind(contents);
  contents.contents = function* (query) {
    if (lost !== undefined && stale) yield lost;
    yield* listed(query);
  };
  let stale = true;
  whenRefreshed(() => {
    stale = false;
    const data = encodePayload("7");
    contents.put(
      "m02",
      encodeManifestContent([
        { id: "aa", labels: { type: "t" }, modified: 1n, deleted: false, data },
      ]),
    );
  });
  expect(await reader.getPayload("aa")).toBe("7");
});

test("a content that cannot be read fails every access, unless that is to be ignored", async () => {
  const { reader, contents, options } = open();
  contents.put("m01", new Uint8Array([1, 2, 3]));
  await expect(reader.find({})).rejects.toMatchObject({ code: "MANIFEST_CORRUPT" });
  await expect(reader.find({})).rejects.toMatchObject({ code: "MANIFEST_CORRUPT" });
  const lenient = new ContentManifestReader({ ...options, ignoreMalformed: true });
  expect(await lenient.find({})).toEqual([]);
  const failed = await reader.find({}).catch((error: unknown) => error);
  expect(isKopiaError(failed) && failed.message).toContain("m01");
});

test("accesses at the same time read each content once", async () => {
  const { reader, contents } = open();
  contents.put("m01", encodeManifestContent([]));
  let reads = 0;
  const getContents = contents.getContents.bind(contents);
  contents.getContents = (ids) => {
    const wanted = [...ids];
    reads += wanted.length;
    return getContents(wanted);
  };
  await Promise.all([reader.find({}), reader.find({}), reader.find({})]);
  expect(reads).toBe(1);
});
