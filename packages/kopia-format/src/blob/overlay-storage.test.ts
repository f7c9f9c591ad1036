import { expect, test } from "vitest";
import { collectAsync } from "../base/collect-async.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { OverlayStorage } from "./overlay-storage.ts";
import { ReadOnlyStorage } from "./read-only-storage.ts";

test("changes are seen through the overlay alone; what lies below is never written", async () => {
  const below = new MemoryStorage();
  for (const id of ["kept", "replaced", "deleted"]) await below.put(id, Uint8Array.of(1));
  const overlay = new OverlayStorage(new ReadOnlyStorage(below));
  await overlay.put("replaced", Uint8Array.of(2));
  await overlay.put("new", Uint8Array.of(3));
  await overlay.delete("deleted");
  const writer = overlay.openWriter("written");
  writer.append(Uint8Array.of(4));
  await writer.commit();
  const ids = (await collectAsync(overlay.list(""))).map(({ id }) => id);
  expect(new Set(ids)).toEqual(new Set(["kept", "replaced", "new", "written"]));
  expect(ids).toHaveLength(4);
  expect(await overlay.get("replaced")).toEqual(Uint8Array.of(2));
  expect(await overlay.get("kept")).toEqual(Uint8Array.of(1));
  await expect(overlay.get("deleted")).rejects.toMatchObject({ code: "BLOB_NOT_FOUND" });
  await overlay.put("deleted", Uint8Array.of(5));
  expect(await overlay.get("deleted")).toEqual(Uint8Array.of(5));
  const untouched = (await collectAsync(below.list(""))).map(({ id }) => id);
  expect(new Set(untouched)).toEqual(new Set(["kept", "replaced", "deleted"]));
  expect(await below.get("replaced")).toEqual(Uint8Array.of(1));
});
