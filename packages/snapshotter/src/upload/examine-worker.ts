/** Entry of a worker thread that compares directories with their listings in a previous snapshot. */
import { parentPort, workerData } from "node:worker_threads";
import { openPlaceReader, type ReadSetup } from "@kopia-engine/kopia-format";
import type { JobThreadInit } from "../threads/job-pool.ts";
import { type ExamineJob, examineDirectories, transferable } from "./examine-job.ts";

const { setup, stop } = workerData as JobThreadInit & { readonly setup: ReadSetup };
const reader = await openPlaceReader(setup);
parentPort?.on("message", (job: ExamineJob) => {
  const results = examineDirectories(reader, job, stop);
  parentPort?.postMessage(results, transferable(results));
});
