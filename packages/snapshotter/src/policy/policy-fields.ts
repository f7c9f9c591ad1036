/** How a field is stored, and what counts as "not set" (spec 2 §8.2). */
export type PolicyFieldKind =
  /** int, absent when not set; 0 counts. */
  | "count"
  /** bool, absent when not set; false counts. */
  | "switch"
  /** bool, absent when false. */
  | "flag"
  /** int64, absent when 0. */
  | "size"
  /** int64, absent when not set; 0 counts. */
  | "optionalSize"
  /** string, absent when empty. */
  | "text"
  /** string list, absent when empty. */
  | "texts"
  /** list of times of day, absent when empty. */
  | "times"
  /** a command, absent when not set. */
  | "action";

/** How values of several levels become one (spec 2 §8.4). */
export type PolicyMergeRule =
  /** The most specific level that has one. */
  | "first"
  /** True when any level says so. */
  | "any"
  /** All levels together, sorted, up to and including one that has the given flag. */
  | "union"
  /** Only the level of the exact target. */
  | "ownOnly";

interface PolicyFieldRule {
  readonly kind: PolicyFieldKind;
  readonly merge: PolicyMergeRule;
  /** For `union`: field that stops it. */
  readonly stopField?: string;
}

const rule = (kind: PolicyFieldKind, merge: PolicyMergeRule = "first"): PolicyFieldRule => ({
  kind,
  merge,
});
const union = (kind: PolicyFieldKind, stopField: string): PolicyFieldRule => ({
  kind,
  merge: "union",
  stopField,
});

/**
 * Every field of a policy by its path in the JSON document, in the order in which Kopia writes them
 * (spec 2 §8.2). Codec, merge and changes all go by this table.
 */
export const POLICY_FIELDS = {
  "retention.keepLatest": rule("count"),
  "retention.keepHourly": rule("count"),
  "retention.keepDaily": rule("count"),
  "retention.keepWeekly": rule("count"),
  "retention.keepMonthly": rule("count"),
  "retention.keepAnnual": rule("count"),
  "retention.ignoreIdenticalSnapshots": rule("switch"),
  "files.ignore": rule("texts"),
  "files.noParentIgnore": rule("flag", "any"),
  "files.ignoreDotFiles": rule("texts"),
  "files.noParentDotFiles": rule("flag", "any"),
  "files.ignoreCacheDirs": rule("switch"),
  "files.maxFileSize": rule("size"),
  "files.oneFileSystem": rule("switch"),
  "errorHandling.ignoreFileErrors": rule("switch"),
  "errorHandling.ignoreDirectoryErrors": rule("switch"),
  "errorHandling.ignoreUnknownTypes": rule("switch"),
  "scheduling.intervalSeconds": rule("size"),
  "scheduling.timeOfDay": union("times", "scheduling.noParentTimeOfDay"),
  "scheduling.noParentTimeOfDay": rule("flag", "any"),
  "scheduling.manual": rule("flag", "any"),
  "scheduling.cron": rule("texts"),
  "scheduling.runMissed": rule("switch"),
  "compression.compressorName": rule("text"),
  "compression.onlyCompress": union("texts", "compression.noParentOnlyCompress"),
  "compression.noParentOnlyCompress": rule("flag", "any"),
  "compression.neverCompress": union("texts", "compression.noParentNeverCompress"),
  "compression.noParentNeverCompress": rule("flag", "any"),
  "compression.minSize": rule("size"),
  "compression.maxSize": rule("size"),
  "metadataCompression.compressorName": rule("text"),
  "splitter.algorithm": rule("text"),
  "actions.beforeFolder": rule("action", "ownOnly"),
  "actions.afterFolder": rule("action", "ownOnly"),
  "actions.beforeSnapshotRoot": rule("action"),
  "actions.afterSnapshotRoot": rule("action"),
  "osSnapshots.volumeShadowCopy.enable": rule("count"),
  "logging.directories.snapshotted": rule("count"),
  "logging.directories.ignored": rule("count"),
  "logging.entries.snapshotted": rule("count"),
  "logging.entries.ignored": rule("count"),
  "logging.entries.cacheHit": rule("count"),
  "logging.entries.cacheMiss": rule("count"),
  "upload.maxParallelSnapshots": rule("count"),
  "upload.maxParallelFileReads": rule("count"),
  "upload.parallelUploadAboveSize": rule("optionalSize"),
} as const satisfies Record<string, PolicyFieldRule>;

/** Path of a policy field in the JSON document, e.g. `retention.keepLatest`. */
export type PolicyField = keyof typeof POLICY_FIELDS;

/** All fields in stored order. */
export const POLICY_FIELD_NAMES = Object.keys(POLICY_FIELDS) as readonly PolicyField[];

/** The rule of a field. */
export function policyFieldRule(field: PolicyField): PolicyFieldRule {
  return POLICY_FIELDS[field];
}

/** Sections that are always written, in stored order; nested ones by their path. */
export const POLICY_SECTIONS = [
  "retention",
  "files",
  "errorHandling",
  "scheduling",
  "compression",
  "metadataCompression",
  "splitter",
  "actions",
  "osSnapshots",
  "osSnapshots.volumeShadowCopy",
  "logging",
  "logging.directories",
  "logging.entries",
  "upload",
] as const;
