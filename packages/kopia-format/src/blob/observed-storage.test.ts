import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { ObservedStorage, type ObservedOperation } from "./observed-storage.ts";

test("every operation is told with what it moved, failed ones with their error", async () => {
  const seen: ObservedOperation[] = [];
  const storage = new ObservedStorage(new MemoryStorage(), {
    clock: systemClock,
    observe: (operation) => seen.push(operation),
  });
  await storage.put("pa", new Uint8Array(5));
  const writer = storage.openWriter("pb");
  writer.append(new Uint8Array(7));
  await writer.commit();
  await storage.get("pa");
  await storage.get("pb", { offsetBytes: 1, lengthBytes: 2 });
  await storage.getMetadata("pa");
  const listed = [];
  for await (const blob of storage.list("p")) listed.push(blob.id);
  await storage.delete("pa");
  await storage.get("pa").catch(() => undefined);
  await storage.close();
  expect(listed).toHaveLength(2);
  expect(
    seen.map(({ method, blobId, lengthBytes, itemCount, error }) => [
      method,
      blobId,
      lengthBytes ?? itemCount,
      error === undefined,
    ]),
  ).toEqual([
    ["PutBlob", "pa", 5, true],
    ["PutBlob", "pb", 7, true],
    ["GetBlob", "pa", 5, true],
    ["GetBlob", "pb", 2, true],
    ["GetMetadata", "pa", undefined, true],
    ["ListBlobs", undefined, 2, true],
    ["DeleteBlob", "pa", undefined, true],
    ["GetBlob", "pa", undefined, false],
    ["Close", undefined, undefined, true],
  ]);
});
