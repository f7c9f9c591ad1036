import { MessageChannel, Worker } from "node:worker_threads";
import type { StartListThread } from "./read-ahead.ts";

// Beside this file: as source, compiled, or as a file beside the bundle.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";
const YOUNG_GENERATION_MIB = 2;

/** Starts a thread that lists directories, as a worker. It keeps nothing alive. */
export const startListWorker: StartListThread = (states, onEnd) => {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL(`./list-worker.${EXTENSION}`, import.meta.url), {
    workerData: { states, port: port2 },
    transferList: [port2],
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
  });
  worker.unref();
  worker.on("error", onEnd);
  worker.on("exit", onEnd);
  return {
    port: port1,
    async terminate() {
      port1.close();
      await worker.terminate();
    },
  };
};
