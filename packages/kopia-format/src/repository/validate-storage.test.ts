import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { collectAsync } from "../base/collect-async.ts";
import { systemRandom } from "../base/random.ts";
import { MemoryStorage } from "../blob/memory-storage.ts";
import type { BlobStorage } from "../blob/storage.ts";
import { validateStorage } from "./validate-storage.ts";

const OPTIONS = {
  clock: systemClock,
  random: systemRandom,
  concurrencyMs: 50,
  putWorkers: 2,
  getWorkers: 2,
  metadataWorkers: 1,
};

function trying(storage: BlobStorage, steps: string[] = []): Promise<void> {
  return validateStorage([storage, storage], { ...OPTIONS, onStep: (text) => steps.push(text) });
}

test("a good storage passes and is left as it was", async () => {
  const storage = new MemoryStorage();
  await storage.put("pa", new Uint8Array(3));
  const steps: string[] = [];
  await trying(storage, steps);
  expect(steps.slice(-2)).toEqual(["All good.", "Cleaning up temporary data..."]);
  expect((await collectAsync(storage.list(""))).map(({ id }) => id)).toEqual(["pa"]);
});

class Flawed extends MemoryStorage {
  readonly #flaw: string;

  constructor(flaw: string) {
    super();
    this.#flaw = flaw;
  }

  override async get(...call: Parameters<MemoryStorage["get"]>) {
    const data = await super.get(...call);
    if (this.#flaw === "range" && call[1] !== undefined) data[0] = (data[0] ?? 0) ^ 1;
    if (this.#flaw === "bytes" && call[1] === undefined) data[0] = (data[0] ?? 0) ^ 1;
    return data;
  }

  override async getMetadata(id: string) {
    const found = await super.getMetadata(id);
    if (this.#flaw === "length") return { ...found, lengthBytes: 1 };
    return this.#flaw === "clock" ? { ...found, timestamp: 0n } : found;
  }

  override async *list(prefix: string) {
    if (this.#flaw === "list" && prefix !== "" && prefix.length < 34) return;
    yield* super.list(prefix);
  }
}

test.each(["range", "bytes", "length", "clock", "list"])(
  "a storage with a flaw in %s is refused",
  async (flaw) => {
    await expect(trying(new Flawed(flaw))).rejects.toMatchObject({ code: "STORAGE_UNSUPPORTED" });
  },
);
