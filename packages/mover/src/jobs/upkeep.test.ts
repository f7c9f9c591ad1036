import { expect, test } from "vitest";
import { systemClock } from "@kopia-engine/kopia-format";
import { createMoverLog } from "../log/mover-log.ts";
import { JobMetrics } from "../metrics/job-metrics.ts";
import { maintenanceObserver } from "./upkeep.ts";

test("a Job that is being terminated begins no further task of maintenance", () => {
  const stop = new AbortController();
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const observer = maintenanceObserver({
    log: createMoverLog({ stdout: write, stderr: write }),
    signal: stop.signal,
    env: {},
    timeZone: "UTC",
    clock: systemClock,
    metrics: new JobMetrics(),
    progressed: () => {},
  });
  observer.taskStarted?.("snapshot-gc");
  expect(lines).toEqual(["INFO: Maintenance task: snapshot-gc"]);
  const reason = new Error("terminated by SIGTERM");
  stop.abort(reason);
  expect(() => observer.taskStarted?.("full-delete-blobs")).toThrow(reason);
  expect(lines).toHaveLength(1);
});
