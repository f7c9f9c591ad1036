import {
  GO_ZERO_TIME,
  asInteger,
  asString,
  field,
  isJsonObject,
  parseGoTime,
  NS_PER_SECOND,
  type JsonObject,
  type JsonValue,
  type MaintenanceRun,
} from "@kopia-engine/kopia-format";
import type { FormatBytes } from "../../output/sizes.ts";

type Describe = (data: Stats, formatBytes: FormatBytes) => string;

/** Statistics of a run; what is absent counts as zero, as Kopia prints `null`. */
class Stats {
  readonly #data: JsonObject | undefined;

  constructor(data: JsonValue | undefined) {
    this.#data = data !== undefined && isJsonObject(data) ? data : undefined;
  }

  count(name: string): number {
    const value = this.#data && field(this.#data, name);
    return value === undefined ? 0 : asInteger(value, name);
  }

  text(name: string): string {
    const value = this.#data && field(this.#data, name);
    return value === undefined ? "" : asString(value, name);
  }

  flag(name: string): boolean {
    return (this.#data && field(this.#data, name)) === true;
  }

  /** A time as Go prints it: `2006-01-02 15:04:05.999999999 +0000 UTC`. */
  time(name: string): string {
    const text = this.text(name);
    const time = text === "" ? GO_ZERO_TIME : parseGoTime(text, name);
    const seconds =
      time >= 0n ? time / NS_PER_SECOND : -((-time + NS_PER_SECOND - 1n) / NS_PER_SECOND);
    const nanoseconds = String(time - seconds * NS_PER_SECOND).padStart(9, "0");
    const fraction = nanoseconds.replace(/0+$/, "");
    const date = new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace("T", " ");
    return `${date}${fraction === "" ? "" : `.${fraction}`} +0000 UTC`;
  }
}

const pair = (stats: Stats, formatBytes: FormatBytes, names: readonly [string, string]): string =>
  `${stats.count(names[0])}(${formatBytes(stats.count(names[1]))})`;

const DESCRIPTIONS: Readonly<Record<string, Describe>> = {
  snapshotGCStats(stats) {
    const both = (name: string): string =>
      `${stats.count(`${name}Count`)}(${stats.count(`${name}Size`)})`;
    return (
      `Found ${both("unreferencedContent")} unreferenced contents and marked ${both("deletedContent")} for deletion. ` +
      `Found ${both("inUseContent")} in-use contents and ${both("inUseSystemContent")} in-use system contents. ` +
      `Retained ${both("unreferencedRecentContent")} recent contents. Recovered ${both("recoveredContent")} contents`
    );
  },
  rewriteContentsStats(stats, bytes) {
    const both = (name: string): string => pair(stats, bytes, [`${name}Count`, `${name}Size`]);
    return (
      `Found ${both("toRewriteContent")} contents to rewrite and rewrote ${both("rewrittenContent")}. ` +
      `Retained ${both("retainedContent")} contents from rewrite`
    );
  },
  compactIndexesStats: (stats) =>
    `Dropped contents deleted before ${stats.time("droppedContentsDeletedBefore")}`,
  deleteUnreferencedPacksStats(stats, bytes) {
    const both = (name: string): string =>
      pair(stats, bytes, [`${name}PackCount`, `${name}TotalSize`]);
    return (
      `Found ${both("unreferenced")} unreferenced pack blobs to delete and deleted ${both("deleted")}. ` +
      `Retained ${both("retained")} unreferenced pack blobs.`
    );
  },
  extendBlobRetentionStats: (stats) =>
    `Blob retention extension found ${stats.count("toExtendBlobCount")} blobs and extended for ${stats.count("extendedBlobCount")} blobs, ` +
    `retention period ${stats.text("retentionPeriod")}`,
  cleanupLogsStats(stats, bytes) {
    const both = (name: string): string => pair(stats, bytes, [`${name}Count`, `${name}Size`]);
    return (
      `Found ${both("toDeleteBlob")} logs blobs for deletion and deleted ${both("deletedBlob")} of them. ` +
      `Retained ${both("retainedBlob")} log blobs.`
    );
  },
  compactSingleEpochStats: (stats, bytes) =>
    `Compacted ${pair(stats, bytes, ["supersededIndexBlobCount", "supersededIndexTotalSize"])} index blobs for epoch ${stats.count("epoch")}`,
  advanceEpochStats: (stats) =>
    `${stats.flag("wasAdvanced") ? "Advanced epoch to" : "Stayed at epoch"} ${stats.count("currentEpoch")}`,
  generateRangeCheckpointStats: (stats) =>
    `Generated a range checkpoint from epoch ${stats.count("rangeMinEpoch")} to ${stats.count("rangeMaxEpoch")} inclusive`,
  cleanupMarkersStats: (stats) =>
    `Cleaned up ${stats.count("deletedEpochMarkerBlobCount")} epoch markers and ${stats.count("deletedWatermarkBlobCount")} deletion watermarks`,
  cleanupSupersededIndexesStats: (stats, bytes) =>
    `Cleaned up ${pair(stats, bytes, ["deletedBlobCount", "deletedTotalSize"])} superseded index blobs, ` +
    `max replacement time ${stats.time("maxReplacementTime")}`,
};

/** `SUCCESS: …` or `ERROR: …` with the statistics in words, as Kopia prints them. */
export function describeRun(
  { success, error, extra }: MaintenanceRun,
  formatBytes: FormatBytes,
): string {
  if (!success) return `ERROR: ${error}`;
  const texts: string[] = [];
  for (const entry of extra) {
    if (!isJsonObject(entry)) continue;
    const describe = DESCRIPTIONS[asString(field(entry, "kind") ?? "", "kind")];
    // Kinds of later versions are left out: their meaning is not known.
    if (describe !== undefined) texts.push(describe(new Stats(field(entry, "data")), formatBytes));
  }
  return texts.length === 0 ? "SUCCESS" : `SUCCESS: ${texts.join(" ")}`;
}
