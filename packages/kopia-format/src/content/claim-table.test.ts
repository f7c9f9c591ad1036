import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { seededBytes } from "../testing/index.ts";
import { ClaimTable } from "./claim-table.ts";

test.each([16, 20, 28, 32])("hashes of %i bytes are claimed once", (hashBytes) => {
  const table = ClaimTable.create(hashBytes, 2 ** 12);
  const hashes = Array.from({ length: 1500 }, (_, i) => seededBytes(i, hashBytes));
  expect(hashes.every((hash) => table.claim(hash))).toBe(true);
  expect(hashes.some((hash) => table.claim(hash))).toBe(false);
  expect(table.claimCount).toBe(1500);
  const last = hashes[7] as Uint8Array;
  last[hashBytes - 1] = (last[hashBytes - 1] as number) ^ 1;
  expect(table.claim(last)).toBe(true);
});

test("a larger table knows the same claims", () => {
  let table = ClaimTable.create(16, 64);
  for (let i = 0; i < 1000; i++) {
    expect(table.claim(seededBytes(i, 16))).toBe(true);
    if (table.isCrowded) table = table.grown();
  }
  for (let i = 0; i < 1000; i++) expect(table.claim(seededBytes(i, 16))).toBe(false);
});

test("a full table lets everybody store, and ends", () => {
  const table = ClaimTable.create(16, 8);
  for (let i = 0; i < 100; i++) expect(table.claim(seededBytes(i, 16))).toBe(true);
  expect(table.claimCount).toBe(8);
});

test("of several threads one gets each claim", async () => {
  const count = 20_000;
  const table = ClaimTable.create(16, 2 ** 16);
  const url = new URL("claim-table.ts", import.meta.url).href;
  const code = `
    import { parentPort, workerData } from "node:worker_threads";
    const { ClaimTable } = await import(${JSON.stringify(url)});
    const table = ClaimTable.fromParts(workerData.parts);
    Atomics.add(workerData.gate, 0, 1);
    while (Atomics.load(workerData.gate, 0) < 3);
    let claimed = 0;
    for (let i = 0; i < ${count}; i++)
      if (table.claim(workerData.hashes.subarray(i * 16, i * 16 + 16))) claimed++;
    parentPort.postMessage(claimed);`;
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const hashes = seededBytes(1, count * 16);
  const workers = [0, 1, 2].map(
    () =>
      new Promise<number>((resolve, reject) => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), {
          workerData: { parts: table.parts(), gate, hashes },
        });
        worker.on("message", resolve).on("error", reject);
      }),
  );
  const claimed = await Promise.all(workers);
  const total = claimed.reduce((sum, part) => sum + part, 0);
  expect(total).toBeGreaterThanOrEqual(count);
  // A thread that was halted in the middle of a claim is not waited for.
  expect(total).toBeLessThan(count * 1.001);
});
