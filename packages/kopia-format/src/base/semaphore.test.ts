import { expect, test } from "vitest";
import { collectAsync } from "./collect-async.ts";
import { Semaphore } from "./semaphore.ts";

test("no more than the allowed number runs, all run, in order, failures included", async () => {
  const semaphore = new Semaphore(2);
  let running = 0;
  let most = 0;
  const started: number[] = [];
  const results = await Promise.allSettled(
    Array.from({ length: 9 }, (_, index) =>
      semaphore.run(async () => {
        started.push(index);
        running++;
        most = Math.max(most, running);
        await Promise.resolve();
        await Promise.resolve();
        running--;
        if (index % 3 === 0) throw new Error("failed");
        return index;
      }),
    ),
  );
  expect(most).toBe(2);
  expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  expect(results.filter(({ status }) => status === "rejected")).toHaveLength(3);
});

test("collectAsync keeps the order", async () => {
  async function* numbers(): AsyncGenerator<number> {
    yield 1;
    yield 2;
  }
  expect(await collectAsync(numbers())).toEqual([1, 2]);
});
