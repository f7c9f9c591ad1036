/** Entry of a worker thread that restores files. */
import { parentPort, workerData } from "node:worker_threads";
import { openPlaceReader, systemRandom, type ReadSetup } from "@kopia-engine/kopia-format";
import type { JobThreadInit } from "../threads/job-pool.ts";
import { LocalEntries, type LocalEntryOptions } from "./local-entries.ts";
import { runRestoreJob, type RestoreJob } from "./restore-job.ts";

const { setup, stop, options } = workerData as JobThreadInit & {
  readonly setup: ReadSetup;
  readonly options: LocalEntryOptions;
};
const tools = {
  reader: await openPlaceReader(setup),
  entries: new LocalEntries(options, systemRandom),
};
parentPort?.on("message", (job: RestoreJob) =>
  parentPort?.postMessage(runRestoreJob(tools, job, stop), []),
);
