import { COMPRESSOR_NAMES, LZ4_COMPRESSOR_NAME, SPLITTER_NAMES } from "@kopia-engine/kopia-format";
import {
  booleanFlag,
  choiceFlag,
  durationFlag,
  listFlag,
  optionalBooleanFlag,
  textFlag,
  type Flag,
  type FlagValues,
} from "../../parser/flag.ts";
import { targetFlags } from "./policy-targets.ts";

const YES_NO_INHERIT = ["true", "false", "inherit"];
/** `lz4` may be named, as in Kopia; whether it is written is decided elsewhere. */
const COMPRESSORS = ["inherit", "none", ...[...COMPRESSOR_NAMES, LZ4_COMPRESSOR_NAME].sort()];

/** Flags of `policy set` (spec 3 §6.9). */
export const setFlags = {
  ...targetFlags,
  inherit: listFlag("inherit", { help: "Whether the target inherits from its parents" }),
  ...retentionFlags(),
  ...filesFlags(),
  ignoreFileErrors: switchFlag("ignore-file-errors", "Errors of files do not fail a snapshot"),
  ignoreDirErrors: switchFlag("ignore-dir-errors", "Errors of directories do not fail a snapshot"),
  ignoreUnknownTypes: switchFlag("ignore-unknown-types", "Unknown kinds of files are no errors"),
  ...compressionFlags(),
  splitter: choiceFlag("splitter", {
    help: "Splitter of file data",
    choices: [...[...SPLITTER_NAMES].sort(), "inherit"],
  }),
  ...schedulingFlags(),
  ...actionFlags(),
  volumeShadowCopy: choiceFlag("enable-volume-shadow-copy", {
    help: "Snapshots of the operating system (Windows)",
    choices: ["never", "always", "when-available", "inherit"],
    placeholder: "MODE",
  }),
  ...loggingFlags(),
  maxParallelFileReads: textFlag("max-parallel-file-reads", { help: "Files read at a time" }),
  maxParallelSnapshots: textFlag("max-parallel-snapshots", {
    help: "Snapshots at a time (server)",
  }),
  parallelUploadAboveSizeMib: textFlag("parallel-upload-above-size-mib", {
    help: "Larger files are stored in parts of this size",
  }),
};

/** Values of `setFlags`. */
export type SetFlagValues = FlagValues<typeof setFlags>;

function retentionFlags() {
  return {
    keepLatest: numberFlag("keep-latest", "Newest snapshots to keep"),
    keepHourly: numberFlag("keep-hourly", "Hourly snapshots to keep"),
    keepDaily: numberFlag("keep-daily", "Daily snapshots to keep"),
    keepWeekly: numberFlag("keep-weekly", "Weekly snapshots to keep"),
    keepMonthly: numberFlag("keep-monthly", "Monthly snapshots to keep"),
    keepAnnual: numberFlag("keep-annual", "Annual snapshots to keep"),
    ignoreIdenticalSnapshots: textFlag("ignore-identical-snapshots", {
      help: "Do not save a snapshot that equals the one before (or inherit)",
    }),
  };
}

function filesFlags() {
  return {
    addIgnore: patternsFlag("add-ignore", "Ignore rules to add"),
    removeIgnore: patternsFlag("remove-ignore", "Ignore rules to remove"),
    clearIgnore: booleanFlag("clear-ignore", { help: "Remove all ignore rules" }),
    addDotIgnore: patternsFlag("add-dot-ignore", "Names of ignore files to add"),
    removeDotIgnore: patternsFlag("remove-dot-ignore", "Names of ignore files to remove"),
    clearDotIgnore: booleanFlag("clear-dot-ignore", { help: "Remove all names of ignore files" }),
    maxFileSize: textFlag("max-file-size", {
      help: "Leave out larger files (bytes, or inherit)",
      placeholder: "N",
    }),
    oneFileSystem: switchFlag("one-file-system", "Stay on one file system"),
    ignoreCacheDirs: switchFlag("ignore-cache-dirs", "Leave out directories marked as caches"),
  };
}

function compressionFlags() {
  return {
    compression: choiceFlag("compression", { help: "Compressor of files", choices: COMPRESSORS }),
    compressionMinSize: numberFlag("compression-min-size", "Smallest file to compress"),
    compressionMaxSize: numberFlag("compression-max-size", "Largest file to compress"),
    addOnlyCompress: patternsFlag("add-only-compress", "Extensions that are always compressed"),
    removeOnlyCompress: patternsFlag("remove-only-compress", "Extensions to remove from that list"),
    clearOnlyCompress: booleanFlag("clear-only-compress", { help: "Empty that list" }),
    addNeverCompress: patternsFlag("add-never-compress", "Extensions that are never compressed"),
    removeNeverCompress: patternsFlag(
      "remove-never-compress",
      "Extensions to remove from that list",
    ),
    clearNeverCompress: booleanFlag("clear-never-compress", { help: "Empty that list" }),
    metadataCompression: choiceFlag("metadata-compression", {
      help: "Compressor of directory listings",
      choices: COMPRESSORS,
    }),
  };
}

function schedulingFlags() {
  return {
    snapshotInterval: repeatedDuration("snapshot-interval", "Time between snapshots"),
    snapshotTime: listFlag("snapshot-time", { help: "Times of day HH:mm,HH:mm (or inherit)" }),
    snapshotTimeCrontab: textFlag("snapshot-time-crontab", {
      help: "Cron expressions separated by semicolons (or inherit)",
    }),
    runMissed: switchFlag("run-missed", "Catch up on snapshots that were missed"),
    manual: optionalBooleanFlag("manual", { help: "Only snapshots that are asked for" }),
  };
}

function actionFlags() {
  const action = (name: string, help: string) => textFlag(name, { help, placeholder: "COMMAND" });
  return {
    beforeFolderAction: action("before-folder-action", "Command before a folder"),
    afterFolderAction: action("after-folder-action", "Command after a folder"),
    beforeSnapshotRootAction: action("before-snapshot-root-action", "Command before a snapshot"),
    afterSnapshotRootAction: action("after-snapshot-root-action", "Command after a snapshot"),
    actionCommandTimeout: durationFlag("action-command-timeout", {
      help: "How long a command may run",
      default: "5m",
    }),
    actionCommandMode: choiceFlag("action-command-mode", {
      help: "What a failing command means",
      choices: ["essential", "optional", "async"],
      default: "essential",
    }),
    persistActionScript: booleanFlag("persist-action-script", {
      help: "Store the script itself in the policy",
    }),
  };
}

function loggingFlags() {
  const level = (name: string, help: string) =>
    numberFlag(name, `Detail of the log, 0 to 10: ${help}`);
  return {
    logDirSnapshotted: level("log-dir-snapshotted", "directories stored"),
    logDirIgnored: level("log-dir-ignored", "directories left out"),
    logEntrySnapshotted: level("log-entry-snapshotted", "entries stored"),
    logEntryIgnored: level("log-entry-ignored", "entries left out"),
    logEntryCacheHit: level("log-entry-cache-hit", "entries that were known"),
    logEntryCacheMiss: level("log-entry-cache-miss", "entries that were not known"),
  };
}

function switchFlag(name: string, help: string): Flag<string | undefined> {
  return choiceFlag(name, { help: `${help} (true, false, inherit)`, choices: YES_NO_INHERIT });
}

function numberFlag(name: string, help: string): Flag<string | undefined> {
  return textFlag(name, { help: `${help} (or inherit)`, placeholder: "N" });
}

function patternsFlag(name: string, help: string): Flag<readonly string[]> {
  return listFlag(name, { help, placeholder: "PATTERN" });
}

/** Kopia lets this flag be repeated and uses the first value. */
function repeatedDuration(name: string, help: string): Flag<number | undefined> {
  const single = durationFlag(name, { help });
  return { ...single, isRepeated: true, read: (raw) => single.read(raw?.slice(0, 1)) };
}
