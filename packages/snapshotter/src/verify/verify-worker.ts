/** Entry of a worker thread that verifies contents. */
import { parentPort, workerData } from "node:worker_threads";
import { openPlaceReader, type ReadSetup } from "@kopia-engine/kopia-format";
import type { JobThreadInit } from "../threads/job-pool.ts";
import { runVerifyJob, type VerifyJob } from "./verify-job.ts";

const { setup, stop } = workerData as JobThreadInit & { readonly setup: ReadSetup };
const reader = await openPlaceReader(setup);
parentPort?.on("message", (job: VerifyJob) =>
  parentPort?.postMessage(runVerifyJob(reader, job, stop), []),
);
