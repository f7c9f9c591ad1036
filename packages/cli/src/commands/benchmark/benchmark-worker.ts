/** Entry of a worker thread that runs one kernel: tells its bytes when it is ready, and again when it is done. */
import { parentPort, workerData } from "node:worker_threads";
import { prepared, type KernelRun } from "./measure-kernel.ts";

const { passBytes, runAll } = await prepared(workerData as KernelRun);
parentPort?.once("message", () => {
  runAll();
  parentPort?.postMessage(passBytes, []);
});
parentPort?.postMessage(passBytes, []);
