import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createMoverLog } from "../log/mover-log.ts";
import { closeRotation, isDue, openRotation } from "./verify-slices.ts";

const HOUR_MS = 3_600_000;
const START_MS = 1_700_000_000_000;
const env = { KOPIA_VERIFY_PERIOD: "28h", KOPIA_VERIFY_INTERVAL: "1h" };
const objectIds = Array.from(
  { length: 500 },
  (_, n) => `Ix${(n * 2654435761).toString(16).padStart(32, "0")}`,
);
let warnings: string[] = [];
const log = createMoverLog({ stdout: (line) => warnings.push(line), stderr: () => {} });

let cacheDirectory: string;
beforeEach(() => {
  cacheDirectory = mkdtempSync(join(tmpdir(), "verify-slices-"));
  warnings = [];
});
afterEach(() => rmSync(cacheDirectory, { recursive: true }));

/** One run. @returns what it read, and the coverage it told. */
function run(hour: number, cache = cacheDirectory) {
  const rotation = openRotation({ cacheDirectory: cache }, env, START_MS + hour * HOUR_MS);
  const read = objectIds.filter((objectId) => isDue(rotation, objectId));
  return { read, due: rotation.due.size, coverage: closeRotation(rotation, log) };
}

test("runs at the interval read every object once within the period", () => {
  const runs = Array.from({ length: 28 }, (_, hour) => run(hour));
  expect(runs.flatMap(({ read }) => read).toSorted()).toEqual(objectIds.toSorted());
  expect(runs.slice(0, 27).map(({ coverage }) => coverage)).toEqual(Array(27).fill(undefined));
  expect(runs[27]?.coverage).toBe(1);
});

test("without a cache that is kept, too", () => {
  const read = Array.from(
    { length: 28 },
    (_, hour) => run(hour, join(cacheDirectory, "gone")).read,
  );
  expect(read.flat().toSorted()).toEqual(objectIds.toSorted());
  expect(warnings.join()).toContain("not remembered");
});

test("the slices of missed runs are read by the next one", () => {
  const hours = Array.from({ length: 28 }, (_, hour) => hour).filter(
    (hour) => hour < 5 || hour > 14,
  );
  const runs = hours.map((hour) => run(hour));
  expect(runs[5]?.due).toBe(11);
  expect(runs.flatMap(({ read }) => read).toSorted()).toEqual(objectIds.toSorted());
  expect(runs.at(-1)?.coverage).toBe(1);
});

test("after a pause of more than a period one run reads everything", () => {
  for (let hour = 0; hour < 28; hour++) run(hour);
  expect(run(100).read).toEqual(objectIds);
  expect(run(101).due).toBe(1);
});

test("a first run owes nothing of the time before it; a second in the same turn reads its slice again", () => {
  expect(run(3).due).toBe(1);
  expect(run(3).read).toEqual(run(3).read);
});

test.each([
  ["torn", '{"sliceCount":28,'],
  ["of another period", '{"sliceCount":7,"sinceTurn":1,"lastTurns":[1,1,1,1,1,1,1]}'],
  [
    "from the future",
    `{"sliceCount":28,"sinceTurn":1,"lastTurns":[${Array(28).fill(9e12).join()}]}`,
  ],
  ["of another shape", '{"sliceCount":28,"sinceTurn":1,"lastTurns":"no"}'],
])("a state file %s counts as none", (_, text) => {
  writeFileSync(join(cacheDirectory, "verify-state.json"), text);
  expect(run(50).due).toBe(1);
});

test("a period shorter than the interval reads everything each time", () => {
  const short = { KOPIA_VERIFY_PERIOD: "1h", KOPIA_VERIFY_INTERVAL: "24h" };
  const rotation = openRotation({ cacheDirectory }, short, START_MS);
  expect(objectIds.every((objectId) => isDue(rotation, objectId))).toBe(true);
});
