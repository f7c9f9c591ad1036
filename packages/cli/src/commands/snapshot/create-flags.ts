import { jsonFlags } from "../../output/json-output.ts";
import {
  booleanFlag,
  countFlag,
  durationFlag,
  floatFlag,
  integerFlag,
  listFlag,
  textFlag,
  type FlagValues,
} from "../../parser/flag.ts";

/** Flags of `snapshot create` (spec 3 §6.4). */
export const createFlags = {
  all: booleanFlag("all", { help: "All sources of this user and host that are not manual" }),
  uploadLimitMb: integerFlag("upload-limit-mb", {
    help: "Stop after so many MiB were read",
    default: 0,
  }),
  checkpointInterval: durationFlag("checkpoint-interval", {
    help: "Time between checkpoints, at most 45m",
    default: "45m",
    hidden: true,
  }),
  description: textFlag("description", { help: "Description", default: "" }),
  failFast: booleanFlag("fail-fast", {
    help: "Stop at the first error",
    env: "KOPIA_SNAPSHOT_FAIL_FAST",
  }),
  forceHash: floatFlag("force-hash", {
    help: "Share of unchanged files to read all the same, in percent",
    default: 0,
  }),
  parallel: countFlag("parallel", { help: "Files at a time", default: 0 }),
  startTime: textFlag("start-time", { help: "Start time: 2006-01-02 15:04:05 UTC" }),
  endTime: textFlag("end-time", { help: "End time: 2006-01-02 15:04:05 UTC" }),
  forceEnableActions: booleanFlag("force-enable-actions", {
    help: "Run the commands of policies",
    hidden: true,
  }),
  forceDisableActions: booleanFlag("force-disable-actions", {
    help: "Never run the commands of policies",
    hidden: true,
  }),
  stdinFile: textFlag("stdin-file", { help: "Store standard input as a file of this name" }),
  tags: listFlag("tags", { help: "Tags (key:value)" }),
  pins: listFlag("pin", { help: "Pins: the snapshot is never expired" }),
  flushPerSource: booleanFlag("flush-per-source", {
    help: "Make every source durable by itself",
    hidden: true,
  }),
  overrideSource: textFlag("override-source", { help: "Store as user@host:/path" }),
  sendSnapshotReport: booleanFlag("send-snapshot-report", {
    help: "Accepted, without effect: there are no notifications yet",
    default: true,
  }),
  logDirDetail: integerFlag("log-dir-detail", { help: "Accepted, without effect" }),
  logEntryDetail: integerFlag("log-entry-detail", { help: "Accepted, without effect" }),
  ...jsonFlags,
};

/** Values of `createFlags`. */
export type CreateFlagValues = FlagValues<typeof createFlags>;
