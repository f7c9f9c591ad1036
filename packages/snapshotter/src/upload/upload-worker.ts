/** Entry of an upload worker thread: opens its part of the session and hands messages on. */
import { parentPort, workerData } from "node:worker_threads";
import { openThreadSession } from "@kopia-engine/kopia-format";
import type { FromUploadThread, ToUploadThread, UploadThreadInit } from "./thread-messages.ts";
import { UploadThread, failure } from "./upload-thread.ts";

const { setup, grant, stop } = workerData as UploadThreadInit;
const post = (message: FromUploadThread, transfer: readonly ArrayBuffer[] = []): void =>
  parentPort?.postMessage(message, [...transfer]);

try {
  const thread = new UploadThread({ session: await openThreadSession(setup, grant), stop, post });
  parentPort?.on("message", (message: ToUploadThread) => thread.receive(message));
} catch (error) {
  post(failure(error));
}
