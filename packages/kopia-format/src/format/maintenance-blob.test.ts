import { expect, test } from "vitest";
import { testFormat } from "../../test/contents/contents.ts";
import { utf8Decode, utf8Encode, type Bytes } from "../base/bytes.ts";
import { GO_ZERO_TIME } from "../base/go-time.ts";
import { seededRandom } from "../testing/seeded.ts";
import { deriveRepositoryKey } from "./key-derivation.ts";
import {
  EMPTY_SCHEDULE,
  MAX_RUNS_PER_TASK,
  decodeMaintenanceBlob,
  encodeMaintenanceBlob,
  type MaintenanceRun,
} from "./maintenance-blob.ts";
import { openBox, sealBox } from "./sealed-box.ts";

const format = testFormat();
const random = seededRandom(1);
const boxKey = {
  key: deriveRepositoryKey(format, { purpose: "maintenance schedule", lengthBytes: 32 }),
  additionalData: utf8Encode("maintenance"),
};
const RUN: MaintenanceRun = {
  start: 1_700_000_000_000_000_001n,
  end: 1_700_000_001_500_000_000n,
  success: true,
  error: "",
  extra: [],
};

function plain(blob: Uint8Array): string {
  return utf8Decode(openBox(boxKey, blob) as Bytes);
}

test("an empty schedule", () => {
  const blob = encodeMaintenanceBlob(format, EMPTY_SCHEDULE, random);
  expect(plain(blob)).toBe(
    '{"nextFullMaintenance":"0001-01-01T00:00:00Z","nextQuickMaintenance":"0001-01-01T00:00:00Z","runs":null}',
  );
  expect(decodeMaintenanceBlob(format, blob)).toEqual(EMPTY_SCHEDULE);
});

test("runs keep their order, tasks are sorted, unknown tasks and statistics stay", () => {
  const extra = [{ kind: "stats", data: { count: 3 } }];
  const schedule = {
    nextFullMaintenance: RUN.start,
    nextQuickMaintenance: GO_ZERO_TIME,
    runs: new Map([
      ["task-of-the-future", [{ ...RUN, extra }]],
      ["advance-epoch", [RUN, { ...RUN, success: false, error: "no" }]],
    ]),
  };
  const blob = encodeMaintenanceBlob(format, schedule, random);
  expect(plain(blob)).toBe(
    '{"nextFullMaintenance":"2023-11-14T22:13:20.000000001Z","nextQuickMaintenance":"0001-01-01T00:00:00Z","runs":{' +
      '"advance-epoch":[{"start":"2023-11-14T22:13:20.000000001Z","end":"2023-11-14T22:13:21.5Z","success":true},' +
      '{"start":"2023-11-14T22:13:20.000000001Z","end":"2023-11-14T22:13:21.5Z","error":"no"}],' +
      '"task-of-the-future":[{"start":"2023-11-14T22:13:20.000000001Z","end":"2023-11-14T22:13:21.5Z","success":true,"extra":[{"kind":"stats","data":{"count":3}}]}]}}',
  );
  expect(decodeMaintenanceBlob(format, blob)).toEqual(schedule);
});

test("only the newest 50 runs of a task are kept", () => {
  const runs = Array.from({ length: 60 }, (_, i) => ({ ...RUN, end: RUN.end + BigInt(i) }));
  const schedule = { ...EMPTY_SCHEDULE, runs: new Map([["cleanup-logs", runs]]) };
  const decoded = decodeMaintenanceBlob(format, encodeMaintenanceBlob(format, schedule, random));
  expect(decoded.runs.get("cleanup-logs")).toEqual(runs.slice(0, MAX_RUNS_PER_TASK));
});

test("other keys and damage are refused", () => {
  const blob = encodeMaintenanceBlob(format, EMPTY_SCHEDULE, random);
  const corrupt = expect.objectContaining({ code: "MAINTENANCE_CORRUPT" });
  const other = testFormat({ enablePasswordChange: false });
  expect(() => decodeMaintenanceBlob(other, blob)).toThrow(corrupt);
  expect(() => decodeMaintenanceBlob(format, blob.subarray(1))).toThrow(corrupt);
  for (const text of [
    "",
    "[]",
    '{"runs":[]}',
    '{"runs":{"a":[1]}}',
    '{"nextFullMaintenance":"x"}',
  ]) {
    const bad = sealBox(boxKey, utf8Encode(text), random);
    expect(() => decodeMaintenanceBlob(format, bad)).toThrow(corrupt);
  }
  const lenient = sealBox(boxKey, utf8Encode('{"runs":{"a":null}}'), random);
  expect(decodeMaintenanceBlob(format, lenient).runs.get("a")).toEqual([]);
});
