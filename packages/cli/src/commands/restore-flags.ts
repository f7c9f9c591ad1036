import {
  booleanFlag,
  choiceFlag,
  countFlag,
  integerFlag,
  textFlag,
  type FlagValues,
} from "../parser/flag.ts";

/** Flags of `restore` and `snapshot restore` (spec 3 §6.7). */
export const restoreFlags = {
  overwriteDirectories: booleanFlag("overwrite-directories", {
    help: "Restore into directories that exist",
    default: true,
  }),
  overwriteFiles: booleanFlag("overwrite-files", { help: "Replace files", default: true }),
  overwriteSymlinks: booleanFlag("overwrite-symlinks", { help: "Replace links", default: true }),
  writeSparseFiles: booleanFlag("write-sparse-files", { help: "Leave holes for zeros" }),
  consistentAttributes: booleanFlag("consistent-attributes", {
    help: "Fail when several snapshots with this root disagree about its attributes",
    env: "KOPIA_RESTORE_CONSISTENT_ATTRIBUTES",
  }),
  mode: choiceFlag("mode", {
    help: "What to restore to; auto: the target's name decides",
    choices: ["auto", "local", "zip", "zip-nocompress", "tar", "tgz"],
    default: "auto",
  }),
  parallel: countFlag("parallel", {
    help: "Threads at most; never more than cores",
    default: 8,
  }),
  skipOwners: booleanFlag("skip-owners", { help: "Do not set owners" }),
  skipPermissions: booleanFlag("skip-permissions", { help: "Do not set modes" }),
  skipTimes: booleanFlag("skip-times", { help: "Do not set times" }),
  ignorePermissionErrors: booleanFlag("ignore-permission-errors", {
    help: "Attributes that may not be set are no errors",
    default: true,
  }),
  writeFilesAtomically: booleanFlag("write-files-atomically", {
    help: "Files appear whole or not at all",
  }),
  ignoreErrors: booleanFlag("ignore-errors", { help: "Go on after errors" }),
  skipExisting: booleanFlag("skip-existing", { help: "Keep files that seem to be the same" }),
  deleteExtra: booleanFlag("delete-extra", { help: "Delete what the snapshot does not have" }),
  shallow: integerFlag("shallow", {
    help: "Placeholders for what lies deeper than this; expanding one: 0 unless given",
  }),
  shallowMinsize: integerFlag("shallow-minsize", {
    help: "No placeholders for files of fewer bytes",
  }),
  snapshotTime: textFlag("snapshot-time", {
    help: "For paths: the newest snapshot before this time",
    default: "latest",
  }),
  flushFiles: booleanFlag("flush-files", { help: "Make every file durable" }),
};

/** Values of `restoreFlags`. */
export type RestoreFlagValues = FlagValues<typeof restoreFlags>;
