import { expect, test } from "vitest";
import { collectAsync } from "../base/collect-async.ts";
import { FaultyStorage } from "../testing/faulty-storage.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { MeteredStorage } from "./metered-storage.ts";

test("operations, failures and bytes are counted", async () => {
  const faulty = new FaultyStorage(new MemoryStorage());
  const storage = new MeteredStorage(faulty);
  await storage.put("xe1", new Uint8Array(10));
  const writer = storage.openWriter("p1");
  writer.append(new Uint8Array(1000));
  await writer.commit();
  await storage.get("p1", { offsetBytes: 1, lengthBytes: 7 });
  await storage.get("xe1");
  await storage.getMetadata("xe1");
  await collectAsync(storage.list(""));
  await storage.delete("xe1");
  await expect(storage.get("xe1")).rejects.toThrow("xe1");
  faulty.addFault({ kind: "fail", operations: ["list", "put"], persistent: true });
  await expect(collectAsync(storage.list("x"))).rejects.toThrow("injected");
  await expect(storage.put("xe2", new Uint8Array(5))).rejects.toThrow("injected");
  expect(storage.metrics).toEqual({
    operations: { get: 3, getMetadata: 1, put: 3, delete: 1, list: 2 },
    errors: { get: 1, getMetadata: 0, put: 1, delete: 0, list: 1 },
    readBytes: 17,
    writtenBytes: 1010,
    listedBlobs: 2,
  });
});
