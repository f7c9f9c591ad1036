import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatGoTime } from "@kopia-engine/kopia-format";
import type { MoverEnvironment } from "../environment/environment.ts";
import type { JobContext } from "./job-context.ts";

/** File in the cache that tells what a restore is doing; `DIRECTION=report` reads it. */
export const STATUS_FILE = "restore-status.json";

/** What the status file says. Times are RFC 3339. */
export interface JobStatus {
  readonly dataDirectory: string;
  readonly startedAt: string;
  /** Absent while it runs, and when it was killed. */
  readonly endedAt?: string;
  readonly succeeded?: boolean;
}

/** Runs a restore and keeps its status file. A cache that cannot be written is no reason to fail. */
export async function withJobStatus<T>(
  job: MoverEnvironment,
  { clock }: JobContext,
  run: () => Promise<T>,
): Promise<T> {
  const { dataDirectory } = job;
  const startedAt = formatGoTime(clock.now());
  const write = (more: Partial<JobStatus>): void =>
    writeStatus(join(job.cacheDirectory, STATUS_FILE), { dataDirectory, startedAt, ...more });
  write({});
  let succeeded = false;
  try {
    const result = await run();
    succeeded = true;
    return result;
  } finally {
    write({ endedAt: formatGoTime(clock.now()), succeeded });
  }
}

function writeStatus(path: string, status: JobStatus): void {
  try {
    writeFileSync(`${path}.tmp`, `${JSON.stringify(status)}\n`, { mode: 0o600 });
    renameSync(`${path}.tmp`, path);
  } catch {
    // The cache is full or not ours; the restore matters more.
  }
}
