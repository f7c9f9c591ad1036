import { setTimeout as sleep } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { tempDirectory } from "../../test/temp-directory.ts";
import { writeTree } from "../../test/write-tree.ts";
import { listColumns } from "./listed-directory.ts";
import { answerListRequest } from "./list-thread.ts";
import { readLocalEntry } from "./local-directory.ts";
import { ReadAhead, type StartListThread } from "./read-ahead.ts";
import { startListWorker } from "./start-list-worker.ts";

/** A thread that answers when it is told to, and counts what it was asked. */
function steppedThread(): {
  start: StartListThread;
  step: (count: number) => void;
  end: () => void;
} {
  const { port1, port2 } = new MessageChannel();
  const requests: { slot: number; path: string }[] = [];
  let states: Int32Array = new Int32Array(0);
  let ended = (): void => undefined;
  return {
    start: (shared, onEnd) => {
      states = shared;
      ended = onEnd;
      const port = {
        postMessage: (asked: { slot: number; path: string }[]) => requests.push(...asked),
      };
      Object.defineProperty(port1, "postMessage", { value: port.postMessage });
      return { port: port1, terminate: async () => port1.close() };
    },
    step(count) {
      for (const request of requests.splice(0, count)) {
        answerListRequest(request, states, (reply, transfer) =>
          port2.postMessage(reply, [...transfer]),
        );
      }
    },
    end: () => ended(),
  };
}

test("a worker lists what was asked for as this thread would", async () => {
  using directory = tempDirectory();
  writeTree(directory.path, {
    a: { one: "1", two: "22", link: { link: "one" }, sub: {} },
    b: {},
  });
  const ahead = new ReadAhead(startListWorker);
  try {
    const path = directory.join("a");
    expect(ahead.request([path])).toBe(1);
    expect(ahead.request([directory.join("b")])).toBe(1);
    expect(ahead.request([directory.join("missing")])).toBe(1);
    // Until the worker has begun, everything is left to the caller.
    await expect
      .poll(
        async () => {
          ahead.request([path]);
          await sleep(10);
          return ahead.take(path)?.columns;
        },
        { timeout: 30_000 },
      )
      .toEqual(listColumns(path));
    ahead.request([path]);
    expect(ahead.take(directory.join("never asked for"))).toBeUndefined();
    expect(ahead.take(directory.join("missing"))).toBeUndefined();
    expect(ahead.take(directory.join("b"))?.names ?? []).toEqual([]);
  } finally {
    await ahead.close();
  }
});

test("entries are those that are found one by one", () => {
  using directory = tempDirectory();
  writeTree(directory.path, { one: "1", link: { link: "one" }, sub: { x: "" } });
  const { start, step } = steppedThread();
  const ahead = new ReadAhead(start);
  ahead.request([directory.path]);
  step(1);
  const listed = ahead.take(directory.path);
  expect(listed?.names).toEqual(["link", "one", "sub"]);
  for (const [index, name] of listed!.names.entries()) {
    expect(listed?.entryAt(index)).toEqual(readLocalEntry(directory.path, name));
  }
  expect(listed?.entryAt(3)).toBeUndefined();
});

test("what is not begun is left to the caller, and places are used again", () => {
  using directory = tempDirectory();
  writeTree(directory.path, { a: "" });
  const { start, step } = steppedThread();
  const ahead = new ReadAhead(start);
  const path = (i: number): string => `${directory.path}${"/.".repeat(i)}`;
  for (let i = 0; i < 64; i++) expect(ahead.request([path(i)])).toBe(1);
  // One that was asked for is not asked for again; there is no room for others.
  expect(ahead.request([path(0)])).toBe(1);
  expect(ahead.request([path(64)])).toBe(0);
  expect(ahead.take(path(5))).toBeUndefined();
  expect(ahead.request([path(64)])).toBe(0);
  step(6);
  expect(ahead.request([path(64)])).toBe(1);
  expect(ahead.take(path(3))?.names).toEqual(["a"]);
  expect(ahead.request([path(65)])).toBe(1);
  expect(ahead.request([path(66)])).toBe(0);
});

test("without its thread nothing is known ahead, and nothing is wrong", async () => {
  using directory = tempDirectory();
  const { start, step, end } = steppedThread();
  const ahead = new ReadAhead(start);
  ahead.request([directory.path]);
  step(1);
  end();
  expect(ahead.take(directory.path)).toBeUndefined();
  expect(ahead.request([directory.path])).toBe(1);
  expect(ahead.take(directory.path)).toBeUndefined();
  await ahead.close();
});
