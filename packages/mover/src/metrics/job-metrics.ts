import { type ContentWriteStats, type MetricFamily, type TimeNs } from "@kopia-engine/kopia-format";
import {
  type CreateSnapshotResult,
  type RestoreStats,
  type Source,
  formatSource,
} from "@kopia-engine/snapshotter";
import { METRICS, type MetricName } from "./metric-names.ts";

/** What a backup produced. */
export interface SnapshotOutcome {
  readonly source: Source;
  readonly result: CreateSnapshotResult;
  /** Snapshots of the source before this run. */
  readonly earlierCount: number;
  readonly written: ContentWriteStats;
}

/** Share of a repository that belongs to one source, for `DIRECTION=report`. */
export interface SourceState {
  readonly source: Source;
  readonly snapshotCount: number;
  readonly lastSnapshotTime: TimeNs;
  readonly sizeBytes: number;
}

/** Collects what a run measures; names and meaning stand in `metric-names.ts` and docs/MOVER.md. */
export class JobMetrics {
  readonly #samples = new Map<MetricName, { labels: Record<string, string>; value: number }[]>();

  /** Sets one value. */
  set(name: MetricName, value: number, labels: Record<string, string> = {}): void {
    const known = this.#samples.get(name) ?? [];
    const key = JSON.stringify(labels);
    const others = known.filter((sample) => JSON.stringify(sample.labels) !== key);
    this.#samples.set(name, [...others, { labels, value }]);
  }

  /** A backup that stored (or confirmed) a snapshot. */
  snapshot({ source, result, earlierCount, written }: SnapshotOutcome): void {
    const labels = { source: formatSource(source) };
    const { manifest, deletedByRetention } = result;
    const summary = manifest.rootEntry?.summary;
    const { stats } = manifest;
    const sizeBytes = Number(summary?.totalFileSizeBytes ?? stats.totalFileSizeBytes);
    const readBytes = written.writtenBytes + written.deduplicatedBytes;
    if (manifest.incompleteReason === "")
      this.set("kopia_backup_last_success_timestamp_seconds", seconds(manifest.endTime), labels);
    this.set(
      "kopia_backup_duration_seconds",
      Number(manifest.endTime - manifest.startTime) / 1e9,
      labels,
    );
    this.set("kopia_backup_size_bytes", sizeBytes, labels);
    this.set("kopia_backup_files", summary?.fileCount ?? stats.fileCount, labels);
    this.set("kopia_backup_files_read", stats.nonCachedFileCount, labels);
    this.set("kopia_backup_files_reused", stats.cachedFileCount, labels);
    this.set("kopia_backup_errors", summary?.fatalErrorCount ?? stats.errorCount, labels);
    this.set("kopia_backup_ignored_errors", summary?.ignoredErrorCount ?? 0, labels);
    this.set("kopia_backup_read_bytes", readBytes, labels);
    this.set("kopia_backup_new_bytes", written.writtenBytes, labels);
    this.set("kopia_backup_stored_bytes", written.packedBytes, labels);
    if (readBytes > 0)
      this.set("kopia_backup_dedup_ratio", written.deduplicatedBytes / readBytes, labels);
    if (written.writtenBytes > 0)
      this.set(
        "kopia_backup_compression_ratio",
        written.packedBytes / written.writtenBytes,
        labels,
      );
    const kept = earlierCount + (result.saved ? 1 : 0) - deletedByRetention.length;
    this.set("kopia_backup_snapshots_kept", kept, labels);
    this.set("kopia_backup_snapshots_pruned", deletedByRetention.length, labels);
  }

  /** Whether the shrink guard tripped. */
  guard(source: Source, tripped: boolean): void {
    this.set("kopia_backup_shrink_guard_tripped", tripped ? 1 : 0, {
      source: formatSource(source),
    });
  }

  restore(source: Source, stats: RestoreStats): void {
    const labels = { source: formatSource(source) };
    this.set("kopia_restore_files", stats.restoredFileCount, labels);
    this.set("kopia_restore_bytes", stats.restoredBytes, labels);
  }

  maintenance({ succeeded, startTime }: { succeeded: boolean; startTime: TimeNs }): void {
    this.set("kopia_maintenance_success", succeeded ? 1 : 0);
    if (succeeded) this.set("kopia_maintenance_last_success_timestamp_seconds", seconds(startTime));
  }

  /** A restore drill or a sampled verification. */
  check(kind: "drill" | "verify", outcome: { files: number; errors: number; now: TimeNs }): void {
    this.set(`kopia_${kind}_files`, outcome.files);
    this.set(`kopia_${kind}_errors`, outcome.errors);
    if (outcome.errors === 0)
      this.set(`kopia_${kind}_last_success_timestamp_seconds`, seconds(outcome.now));
  }

  /** The repository as a report sees it. */
  sourceState({ source, snapshotCount, lastSnapshotTime, sizeBytes }: SourceState): void {
    const labels = { source: formatSource(source) };
    this.set("kopia_source_snapshots", snapshotCount, labels);
    this.set("kopia_source_last_snapshot_timestamp_seconds", seconds(lastSnapshotTime), labels);
    this.set("kopia_source_size_bytes", sizeBytes, labels);
  }

  /** Everything that was measured, in the order of the names' table. */
  families(): readonly MetricFamily[] {
    return Object.entries(METRICS).map(([name, { help }]) => {
      const unit = /_(seconds|bytes)$/.exec(name)?.[1] as "seconds" | "bytes" | undefined;
      const samples = this.#samples.get(name as MetricName) ?? [];
      return Object.assign(
        { name, type: "gauge", help, samples } as const,
        unit === undefined ? {} : { unit },
      );
    });
  }
}

function seconds(time: TimeNs): number {
  return Number(time / 1_000_000n) / 1000;
}
