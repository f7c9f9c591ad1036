import { expect, test } from "vitest";
import { seededBytes } from "../testing/seeded.ts";
import { ReadableStorage, type SourceBytes } from "./readable-storage.ts";
import type { BlobRange } from "./storage.ts";

const DATA = seededBytes(1, 100);

function storage(read: (range?: BlobRange) => SourceBytes | undefined): ReadableStorage {
  const blobs = ["pa", "pb", "q"].map((id) => ({ id, lengthBytes: 100, timestamp: 5n }));
  return new ReadableStorage({
    displayName: "https://example.org/repo",
    list: async (prefix) => blobs.filter(({ id }) => id.startsWith(prefix)),
    read: async (id, range) => (id === "gone" ? undefined : read(range)),
  });
}

const honest = (range?: BlobRange): SourceBytes =>
  range === undefined
    ? { bytes: DATA, offsetBytes: 0 }
    : {
        bytes: DATA.slice(range.offsetBytes, range.offsetBytes + range.lengthBytes),
        offsetBytes: range.offsetBytes,
      };

test("whole blobs and ranges, from sources that know ranges and from those that ignore them", async () => {
  for (const read of [honest, () => ({ bytes: DATA, offsetBytes: 0 })]) {
    const blobs = storage(read);
    expect(await blobs.get("pa")).toEqual(DATA);
    expect(await blobs.get("pa", { offsetBytes: 7, lengthBytes: 20 })).toEqual(DATA.slice(7, 27));
    await expect(blobs.get("pa", { offsetBytes: 90, lengthBytes: 20 })).rejects.toMatchObject({
      code: "STORAGE_RANGE",
    });
  }
  const cut = storage(() => ({ bytes: DATA.slice(50), offsetBytes: 50 }));
  await expect(cut.get("pa")).rejects.toMatchObject({ code: "STORAGE_RANGE" });
  await expect(cut.get("pa", { offsetBytes: 10, lengthBytes: 5 })).rejects.toMatchObject({
    code: "STORAGE_RANGE",
  });
});

test("listing and metadata; what is missing is not found", async () => {
  const blobs = storage(honest);
  const ids: string[] = [];
  for await (const { id } of blobs.list("p")) ids.push(id);
  expect(ids).toEqual(["pa", "pb"]);
  expect(await blobs.getMetadata("q")).toEqual({ id: "q", lengthBytes: 100, timestamp: 5n });
  for (const call of [blobs.get("gone"), blobs.getMetadata("gone"), blobs.getMetadata("p")])
    await expect(call).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
});

test("failures of the platform are those of a storage; nothing can be changed", async () => {
  const broken = storage(() => {
    throw new TypeError("Failed to fetch");
  });
  await expect(broken.get("pa")).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
    message: "https://example.org/repo: Failed to fetch",
  });
  const blobs = storage(honest);
  expect(blobs.readOnly).toBe(true);
  await expect(blobs.put("x")).rejects.toMatchObject({ code: "STORAGE_READ_ONLY" });
  await expect(blobs.delete("x")).rejects.toMatchObject({ code: "STORAGE_READ_ONLY" });
  expect(() => blobs.openWriter("x")).toThrow(/can only be read/);
});
