import { Worker } from "node:worker_threads";
import { KopiaError } from "@kopia-engine/kopia-format";
import type { FromUploadThread, ToUploadThread, UploadThreadInit } from "./thread-messages.ts";

/** A running upload thread, as the pool sees it. */
export interface UploadThreadPort {
  post(message: ToUploadThread): void;
  /** Ends it, whatever it does. */
  terminate(): Promise<void>;
}

/** What an upload thread tells. */
export interface UploadThreadListener {
  message(message: FromUploadThread): void;
  /** It ended by itself. */
  crashed(error: unknown): void;
}

/** Starts an upload thread. */
export type StartUploadThread = (
  init: UploadThreadInit,
  listener: UploadThreadListener,
) => UploadThreadPort;

// Beside this file: as source, compiled, or as an entry of the bundle.
const EXTENSION = import.meta.url.endsWith(".ts") ? "ts" : "js";

/** What lives shortly is little here; without a limit each thread takes tens of MiB for it. */
const YOUNG_GENERATION_MIB = 4;

/** Starts an upload thread as a worker. */
export const startUploadWorker: StartUploadThread = (init, listener) => {
  const worker = new Worker(new URL(`./upload-worker.${EXTENSION}`, import.meta.url), {
    workerData: init,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
  });
  let isWanted = true;
  worker.on("message", (message: FromUploadThread) => listener.message(message));
  worker.on("messageerror", (error) => listener.crashed(error));
  worker.on("error", (error) => listener.crashed(error));
  worker.on("exit", (exitCode) => {
    if (!isWanted) return;
    const message = `an upload thread ended by itself with code ${exitCode}`;
    listener.crashed(new KopiaError("SESSION_BROKEN", message, { details: { exitCode } }));
  });
  return {
    post: (message) => worker.postMessage(message, []),
    async terminate() {
      isWanted = false;
      await worker.terminate();
    },
  };
};
