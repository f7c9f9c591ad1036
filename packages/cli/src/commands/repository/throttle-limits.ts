import { readConnection, type ThrottlingLimits } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { connectionPath, withRepository } from "../../session/open-session.ts";

/** One limit as commands name it. */
export interface ThrottleLimit {
  readonly field: keyof ThrottlingLimits;
  /** Of `throttle set`. */
  readonly flag: string;
  /** In messages of `throttle set`. */
  readonly name: string;
  /** In `throttle get`. */
  readonly label: string;
  /** In errors. */
  readonly errorName: string;
  readonly kind: "speed" | "rate" | "count";
}

/** All limits in the order in which Kopia prints them. */
export const THROTTLE_LIMITS: readonly ThrottleLimit[] = [
  limit("maxDownloadSpeedBytesPerSecond", "download-bytes-per-second", "speed", {
    name: "max download speed",
    label: "Max Download Speed:",
    errorName: "DownloadBytesPerSecond",
  }),
  limit("maxUploadSpeedBytesPerSecond", "upload-bytes-per-second", "speed", {
    name: "max upload speed",
    label: "Max Upload Speed:",
    errorName: "UploadBytesPerSecond",
  }),
  limit("readsPerSecond", "read-requests-per-second", "rate", {
    name: "reads per second",
    label: "Max Read Requests Per Second:",
    errorName: "ReadsPerSecond",
  }),
  limit("writesPerSecond", "write-requests-per-second", "rate", {
    name: "writes per second",
    label: "Max Write Requests Per Second:",
    errorName: "WritesPerSecond",
  }),
  limit("listsPerSecond", "list-requests-per-second", "rate", {
    name: "lists per second",
    label: "Max List Requests Per Second:",
    errorName: "ListsPerSecond",
  }),
  limit("concurrentReads", "concurrent-reads", "count", {
    name: "concurrent reads",
    label: "Max Concurrent Reads:",
    errorName: "ConcurrentReads",
  }),
  limit("concurrentWrites", "concurrent-writes", "count", {
    name: "concurrent writes",
    label: "Max Concurrent Writes:",
    errorName: "ConcurrentWrites",
  }),
];

/** The limits of the connection, else those of the storage; the connection must work, as in Kopia. */
export async function currentLimits(context: CommandContext): Promise<ThrottlingLimits> {
  await withRepository(context, async () => {});
  const { client } = await readConnection(connectionPath(context));
  return client.throttlingLimits ?? {};
}

function limit(
  field: keyof ThrottlingLimits,
  flag: string,
  kind: ThrottleLimit["kind"],
  names: Pick<ThrottleLimit, "name" | "label" | "errorName">,
): ThrottleLimit {
  return { field, flag, kind, ...names };
}
