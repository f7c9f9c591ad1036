import { jsonFlags } from "../../output/json-output.ts";
import { booleanFlag, countFlag, listFlag, type FlagValues } from "../../parser/flag.ts";

/** Flags of `snapshot list` (spec 3 §6.4). */
export const listFlags = {
  incomplete: booleanFlag("incomplete", { short: "i", help: "Snapshots that are not whole too" }),
  humanReadable: booleanFlag("human-readable", { help: "Sizes for people", default: true }),
  delta: booleanFlag("delta", { short: "d", help: "Growth since the snapshot before" }),
  manifestId: booleanFlag("manifest-id", { short: "m", help: "Manifest IDs" }),
  retention: booleanFlag("retention", { help: "Why each snapshot is kept", default: true }),
  mtime: booleanFlag("mtime", { help: "Modification times" }),
  owner: booleanFlag("owner", { help: "Owners" }),
  showIdentical: booleanFlag("show-identical", { short: "l", help: "Every identical snapshot" }),
  storageStats: booleanFlag("storage-stats", { help: "What each snapshot adds to the storage" }),
  reverse: booleanFlag("reverse", { help: "Newest first" }),
  all: booleanFlag("all", { short: "a", help: "Snapshots of all users and hosts" }),
  maxResults: countFlag("max-results", { short: "n", help: "At most so many for each source" }),
  tags: listFlag("tags", { help: "Snapshots that have this tag (key:value)" }),
  ...jsonFlags,
};

/** Values of `listFlags`. */
export type ListFlagValues = FlagValues<typeof listFlags>;
