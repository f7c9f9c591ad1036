/** Entry of the worker that lists directories ahead. */
import { type MessagePort, workerData } from "node:worker_threads";
import { answerListRequest } from "./list-thread.ts";
import type { ListRequest } from "./read-ahead.ts";

const { states, port } = workerData as { states: Int32Array; port: MessagePort };
port.on("message", (requests: readonly ListRequest[]) => {
  for (const request of requests) {
    answerListRequest(request, states, (reply, transfer) => port.postMessage(reply, [...transfer]));
  }
});
