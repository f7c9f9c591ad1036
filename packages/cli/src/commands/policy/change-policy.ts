import type { Policy, PolicyField } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import type { FormatBytes } from "../../output/sizes.ts";
import { parseBoolean } from "../../parser/values.ts";
import { changeActions } from "./change-actions.ts";
import { inSection, isInherit, type ChangeList } from "./change-list.ts";
import { changeScheduling } from "./change-scheduling.ts";
import type { SetFlagValues } from "./set-flags.ts";

const BYTES_PER_MIB = 2 ** 20;
const MAX_LOG_DETAIL = 10;

/** What the flags are applied with. */
export interface ChangeOptions {
  readonly flags: SetFlagValues;
  readonly formatBytes: FormatBytes;
  /** Directory of relative script paths. */
  readonly workingDirectory: string;
}

/**
 * Applies the flags of `policy set` in Kopia's order and with its messages.
 * @returns the changed policy. @throws CommandError.
 */
export async function changePolicy(changes: ChangeList, options: ChangeOptions): Promise<Policy> {
  const { flags } = options;
  inSection("retention policy", () => changeRetention(changes, flags));
  inSection("files policy", () => changeFiles(changes, flags));
  inSection("error handling policy", () => changeErrorHandling(changes, flags));
  inSection("compression policy", () => changeCompression(changes, flags));
  inSection("scheduling policy", () => changeScheduling(changes, flags));
  await changeActions(changes, options);
  inSection("volume shadow copy policy", () => changeShadowCopy(changes, flags));
  inSection("actions policy", () => changeLogging(changes, flags));
  inSection("upload policy", () => changeUpload(changes, options));
  for (const text of flags.inherit) changes.make({ kind: "noParent", value: !parseBoolean(text) });
  if (changes.isEmpty) throw new CommandError("no changes specified");
  return changes.policy;
}

function changeRetention(changes: ChangeList, flags: SetFlagValues): void {
  const keep = (field: PolicyField, text: string | undefined, period: string): void => {
    const name = `number of ${period} backups to keep`;
    changes.setNumber(field, text, { name, errorName: name });
  };
  keep("retention.keepAnnual", flags.keepAnnual, "annual");
  keep("retention.keepMonthly", flags.keepMonthly, "monthly");
  keep("retention.keepWeekly", flags.keepWeekly, "weekly");
  keep("retention.keepDaily", flags.keepDaily, "daily");
  keep("retention.keepHourly", flags.keepHourly, "hourly");
  keep("retention.keepLatest", flags.keepLatest, "latest");
  const identical = flags.ignoreIdenticalSnapshots;
  const name = "do not save identical snapshots";
  if (identical === undefined) return;
  changes.setText(
    "retention.ignoreIdenticalSnapshots",
    isInherit(identical) ? identical : booleanText(identical, name),
    name,
  );
}

function changeFiles(changes: ChangeList, flags: SetFlagValues): void {
  inSection("maximum file size", () =>
    changes.setNumber("files.maxFileSize", flags.maxFileSize, quoted("maximum file size")),
  );
  changes.changeList("files.ignoreDotFiles", "dot-ignore filenames", {
    add: flags.addDotIgnore,
    remove: flags.removeDotIgnore,
    clear: flags.clearDotIgnore,
  });
  changes.changeList("files.ignore", "ignore rules", {
    add: flags.addIgnore,
    remove: flags.removeIgnore,
    clear: flags.clearIgnore,
  });
  changes.setText("files.ignoreCacheDirs", flags.ignoreCacheDirs, "ignore cache dirs");
  changes.setText("files.oneFileSystem", flags.oneFileSystem, "one filesystem");
}

function changeErrorHandling(changes: ChangeList, flags: SetFlagValues): void {
  const set = changes.setText.bind(changes);
  set("errorHandling.ignoreFileErrors", flags.ignoreFileErrors, "ignore file errors");
  set("errorHandling.ignoreDirectoryErrors", flags.ignoreDirErrors, "ignore directory errors");
  set("errorHandling.ignoreUnknownTypes", flags.ignoreUnknownTypes, "ignore unknown types");
}

function changeCompression(changes: ChangeList, flags: SetFlagValues): void {
  const size = (field: PolicyField, text: string | undefined, name: string): void =>
    inSection(name, () => changes.setNumber(field, text, quoted(name)));
  size("compression.minSize", flags.compressionMinSize, "minimum file size subject to compression");
  size("compression.maxSize", flags.compressionMaxSize, "maximum file size subject to compression");
  setAlgorithm(changes, "compression.compressorName", {
    text: flags.compression,
    name: "compression algorithm",
  });
  changes.changeList("compression.onlyCompress", "only-compress extensions", {
    add: flags.addOnlyCompress,
    remove: flags.removeOnlyCompress,
    clear: flags.clearOnlyCompress,
  });
  changes.changeList("compression.neverCompress", "never-compress extensions", {
    add: flags.addNeverCompress,
    remove: flags.removeNeverCompress,
    clear: flags.clearNeverCompress,
  });
  setAlgorithm(changes, "metadataCompression.compressorName", {
    text: flags.metadataCompression,
    name: "metadata compression algorithm",
  });
  setAlgorithm(changes, "splitter.algorithm", {
    text: flags.splitter,
    name: "splitter algorithm override",
  });
}

function changeShadowCopy(changes: ChangeList, { volumeShadowCopy }: SetFlagValues): void {
  if (volumeShadowCopy === undefined) return;
  const field = "osSnapshots.volumeShadowCopy.enable";
  const name = "enable volume shadow copy";
  if (volumeShadowCopy === "inherit") {
    changes.setText(field, volumeShadowCopy, name);
    return;
  }
  const level = ["never", "always", "when-available"].indexOf(volumeShadowCopy);
  changes.make(
    { kind: "set", field, text: String(level) },
    `setting ${JSON.stringify(name)} to ${volumeShadowCopy}.`,
  );
}

function changeLogging(changes: ChangeList, flags: SetFlagValues): void {
  const detail = (field: PolicyField, text: string | undefined, what: string): void => {
    const name = `${what} detail`;
    if (text === undefined) return;
    if (!isInherit(text) && !(/^\d{1,2}$/.test(text) && Number(text) <= MAX_LOG_DETAIL))
      throw new CommandError(`${name}: must be >= 0 and <= 10 or "inherit"`);
    changes.setNumber(field, text, { name, errorName: name });
  };
  detail("logging.directories.snapshotted", flags.logDirSnapshotted, "directory snapshotted");
  detail("logging.directories.ignored", flags.logDirIgnored, "directory ignored");
  detail("logging.entries.snapshotted", flags.logEntrySnapshotted, "entry snapshotted");
  detail("logging.entries.ignored", flags.logEntryIgnored, "entry ignored");
  detail("logging.entries.cacheHit", flags.logEntryCacheHit, "entry cache hit");
  detail("logging.entries.cacheMiss", flags.logEntryCacheMiss, "entry cache miss");
}

function changeUpload(changes: ChangeList, { flags, formatBytes }: ChangeOptions): void {
  const named = (name: string): { name: string; errorName: string } => ({ name, errorName: name });
  changes.setNumber(
    "upload.maxParallelFileReads",
    flags.maxParallelFileReads,
    named("max parallel file reads"),
  );
  changes.setNumber(
    "upload.maxParallelSnapshots",
    flags.maxParallelSnapshots,
    named("max parallel snapshots"),
  );
  changes.setNumber("upload.parallelUploadAboveSize", flags.parallelUploadAboveSizeMib, {
    ...named("parallel upload above size"),
    factor: BYTES_PER_MIB,
    format: (value) => formatBytes(value * BigInt(BYTES_PER_MIB)),
  });
}

function setAlgorithm(
  changes: ChangeList,
  field: PolicyField,
  value: { readonly text: string | undefined; readonly name: string },
): void {
  const { text, name } = value;
  if (text === undefined) return;
  if (text === "inherit")
    changes.make(
      { kind: "clear", field },
      `resetting ${name} to default value inherited from parent`,
    );
  else changes.make({ kind: "set", field, text }, `setting ${name} to ${text}`);
}

function quoted(name: string): { readonly name: string; readonly errorName: string } {
  return { name, errorName: JSON.stringify(name) };
}

function booleanText(text: string, name: string): string {
  try {
    return String(parseBoolean(text));
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    throw new CommandError(
      `can't parse the ${JSON.stringify(name)} ${JSON.stringify(text)}: ${reason}`,
    );
  }
}
