import { expect, test } from "vitest";
import { bytesEqual } from "../base/bytes.ts";
import { collectAsync } from "../base/collect-async.ts";
import { MemoryStorage } from "../blob/memory-storage.ts";
import { FakeClock } from "./fake-clock.ts";
import { FaultyStorage, type FaultKind } from "./faulty-storage.ts";
import { seededBytes, seededRandom } from "./seeded.ts";
import { fuzzRuns } from "./fuzz-runs.ts";

async function tryPuts(
  kind: FaultKind,
): Promise<{ results: string; stored: string; killed: boolean }> {
  const inner = new MemoryStorage();
  const faulty = new FaultyStorage(inner, [{ kind, nth: 2, operations: ["put"] }]);
  const results: string[] = [];
  for (const id of ["a", "b", "c"]) {
    await faulty.put(id, new Uint8Array(10)).then(
      () => results.push("ok"),
      () => results.push("error"),
    );
  }
  const blobs = await collectAsync(inner.list(""));
  const stored = blobs.map(({ id, lengthBytes }) => `${id}${lengthBytes}`).join(" ");
  return { results: results.join(" "), stored, killed: faulty.killed };
}

test("every kind of fault does what it says", async () => {
  expect(await tryPuts("fail")).toEqual({
    results: "ok error ok",
    stored: "a10 c10",
    killed: false,
  });
  expect(await tryPuts("failAfter")).toEqual({
    results: "ok error ok",
    stored: "a10 b10 c10",
    killed: false,
  });
  expect(await tryPuts("kill")).toEqual({ results: "ok error error", stored: "a10", killed: true });
  expect(await tryPuts("killAfter")).toEqual({
    results: "ok error error",
    stored: "a10 b10",
    killed: true,
  });
  expect(await tryPuts("tear")).toEqual({
    results: "ok error error",
    stored: "a10 b5",
    killed: true,
  });
  expect(await tryPuts("repeat")).toEqual({
    results: "ok ok ok",
    stored: "a10 b10 c10",
    killed: false,
  });
});

test("faults count only the operations they are about", async () => {
  const faulty = new FaultyStorage(new MemoryStorage(), [
    { kind: "fail", idPrefix: "xn", operations: ["put"], persistent: true, nth: 2 },
  ]);
  await faulty.put("p1", new Uint8Array(1));
  await faulty.put("xn1", new Uint8Array(1));
  await faulty.getMetadata("xn1");
  await expect(faulty.put("xn2", new Uint8Array(1))).rejects.toThrow("injected failure of put xn2");
  await expect(faulty.put("xn3", new Uint8Array(1))).rejects.toThrow("xn3");
  faulty.clearFaults();
  await faulty.put("xn4", new Uint8Array(1));
  expect(faulty.log.map(({ operation, id }) => `${operation} ${id}`)).toEqual([
    "put p1",
    "put xn1",
    "getMetadata xn1",
    "put xn2",
    "put xn3",
    "put xn4",
  ]);
});

test("a blob in pieces can be killed at its commit", async () => {
  const inner = new MemoryStorage();
  const faulty = new FaultyStorage(inner, [{ kind: "kill" }]);
  const writer = faulty.openWriter("p1");
  writer.append(new Uint8Array(10));
  await expect(writer.commit()).rejects.toThrow("killed");
  expect(await collectAsync(inner.list(""))).toEqual([]);
});

test("seeded bytes repeat, differ by seed, and do not depend on the length asked for", () => {
  expect(seededBytes(1, 1000)).toEqual(seededBytes(1, 1000));
  expect(seededBytes(1, 7)).toEqual(seededBytes(1, 1000).slice(0, 7));
  expect(bytesEqual(seededBytes(1, 100), seededBytes(2, 100))).toBe(false);
  expect(new Set(seededBytes(3, 10_000)).size).toBe(256);
  const [first, second] = [seededRandom(5), seededRandom(5)];
  expect(first(16)).toEqual(second(16));
  expect(bytesEqual(first(16), first(16))).toBe(false);
  expect(new Set(Array.from({ length: 1000 }, () => first(8).join())).size).toBe(1000);
});

test("the fake clock moves only when told, or by sleeping", async () => {
  const clock = new FakeClock(100n);
  expect(clock.now()).toBe(100n);
  clock.advance(5n);
  await clock.sleep(1.5);
  expect(clock.now()).toBe(1_500_105n);
  await expect(clock.sleep(1, AbortSignal.abort(new Error("stop")))).rejects.toThrow("stop");
  expect(clock.sleepsMs).toEqual([1.5]);
  clock.set(0n);
  expect(clock.now()).toBe(0n);
});

test("the number of runs comes from the environment", () => {
  expect(fuzzRuns(5, {})).toBe(5);
  expect(fuzzRuns(5, { FUZZ_RUNS: "1000" })).toBe(1000);
  for (const FUZZ_RUNS of ["", "0", "-1", "many", "1.5"])
    expect(fuzzRuns(5, { FUZZ_RUNS })).toBe(5);
});
