import { Worker } from "node:worker_threads";

/** A running thread, as its pool sees it. */
export interface ThreadPort {
  post(message: unknown): void;
  /** Ends it, whatever it does. */
  terminate(): Promise<void>;
}

/** What a thread tells. */
export interface ThreadListener {
  message(message: unknown): void;
  /** It ended by itself. */
  crashed(): void;
}

/** Starts a thread with plain data to begin with. */
export type StartThread = (init: unknown, listener: ThreadListener) => ThreadPort;

/** What lives shortly is little here; without a limit each thread takes tens of MiB for it. */
const YOUNG_GENERATION_MIB = 2;

/** Starts workers with this entry. */
export function workerStarter(entry: URL): StartThread {
  return (init, listener) => {
    const worker = new Worker(entry, {
      workerData: init,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    let isWanted = true;
    const crashed = (): void => {
      if (isWanted) listener.crashed();
      isWanted = false;
    };
    worker.on("message", (message: unknown) => listener.message(message));
    worker.on("messageerror", crashed);
    worker.on("error", crashed);
    worker.on("exit", crashed);
    return {
      post: (message) => worker.postMessage(message, []),
      async terminate() {
        isWanted = false;
        await worker.terminate();
      },
    };
  };
}
