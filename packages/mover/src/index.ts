export type {
  Direction,
  Environment,
  MoverEnvironment,
  RestoreSelection,
  RetentionCounts,
} from "./environment/environment.ts";
export { readMoverEnvironment } from "./environment/read-environment.ts";
export type { JobContext } from "./jobs/job-context.ts";
export {
  type LineWriter,
  type MoverLog,
  type MoverLogOptions,
  createMoverLog,
} from "./log/mover-log.ts";
export { JobMetrics } from "./metrics/job-metrics.ts";
export { METRICS, type MetricName } from "./metrics/metric-names.ts";
export { runMover, type MoverProcess } from "./run-mover.ts";
