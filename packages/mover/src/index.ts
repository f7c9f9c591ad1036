export {
  type Direction,
  type Environment,
  type MoverEnvironment,
  readMoverEnvironment,
} from "./environment.ts";
export type { RestoreSelection, RetentionCounts } from "./environment.ts";
export type { JobContext } from "./job-context.ts";
export { type LineWriter, type MoverLog, createMoverLog } from "./mover-log.ts";
export { runMover } from "./run-mover.ts";
