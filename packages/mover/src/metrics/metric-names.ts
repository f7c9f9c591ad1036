/**
 * Every metric of the mover: all are gauges of the last run, because a Job lives for one run. docs/MOVER.md
 * lists them, the rules and the dashboard under `deploy/` use them; a test compares the three.
 */
export const METRICS = {
  kopia_mover_last_run_timestamp_seconds: { help: "When the last run of this Job ended." },
  kopia_mover_last_run_exit_code: { help: "Exit code of the last run of this Job." },
  kopia_mover_duration_seconds: { help: "How long the last run of this Job took." },
  kopia_mover_peak_memory_bytes: { help: "Largest memory of the last run of this Job." },
  kopia_backup_last_success_timestamp_seconds: {
    help: "When the last whole snapshot of the source was stored or confirmed.",
  },
  kopia_backup_duration_seconds: { help: "How long the snapshot took." },
  kopia_backup_size_bytes: { help: "Size of the source's files." },
  kopia_backup_files: { help: "Files of the source." },
  kopia_backup_files_read: { help: "Files that were read, because they had changed." },
  kopia_backup_files_reused: { help: "Files that were taken over from the snapshot before." },
  kopia_backup_errors: { help: "Files or directories that could not be stored." },
  kopia_backup_ignored_errors: { help: "Errors that the policy says to ignore." },
  kopia_backup_read_bytes: { help: "Bytes that were split and hashed." },
  kopia_backup_new_bytes: { help: "Bytes that the repository did not have yet." },
  kopia_backup_stored_bytes: { help: "Bytes of new packs: compressed and encrypted." },
  kopia_backup_dedup_ratio: { help: "Share of the read bytes that the repository had, 0 to 1." },
  kopia_backup_compression_ratio: { help: "Stored bytes for each new byte." },
  kopia_backup_snapshots_kept: { help: "Snapshots of the source after retention." },
  kopia_backup_snapshots_pruned: { help: "Snapshots that retention removed in the last run." },
  kopia_backup_shrink_guard_tripped: {
    help: "1 when the source lost suspiciously many files and retention is frozen.",
  },
  kopia_restore_files: { help: "Files of the last restore." },
  kopia_restore_bytes: { help: "Bytes of the last restore." },
  kopia_restore_stuck: { help: "Restores that began and neither ended nor failed in time." },
  kopia_maintenance_success: { help: "1 when the last maintenance run succeeded." },
  kopia_maintenance_last_success_timestamp_seconds: {
    help: "When the last successful full maintenance began.",
  },
  kopia_maintenance_lag_seconds: { help: "How long full maintenance is overdue; 0: it is not." },
  kopia_drill_files: { help: "Files that the last restore drill restored and compared." },
  kopia_drill_errors: { help: "Files of the last restore drill that differ or failed." },
  kopia_drill_last_success_timestamp_seconds: { help: "When a restore drill last succeeded." },
  kopia_verify_files: { help: "Files that the last verification read." },
  kopia_verify_errors: { help: "Errors that the last verification found." },
  kopia_verify_last_success_timestamp_seconds: { help: "When a verification last succeeded." },
  kopia_verify_coverage_ratio: {
    help: "Share of the files whose contents were read within the period, 0 to 1; absent until the cache has seen a whole period.",
  },
  kopia_source_snapshots: { help: "Snapshots of the source in the repository." },
  kopia_source_last_snapshot_timestamp_seconds: {
    help: "Start of the newest whole snapshot of the source.",
  },
  kopia_source_size_bytes: { help: "Size of the newest whole snapshot of the source." },
  kopia_repository_index_blobs: { help: "Index blobs of the repository; many slow every client." },
  kopia_repository_capacity_bytes: { help: "Size of the file system that holds the repository." },
  kopia_repository_free_bytes: { help: "Free space of that file system." },
} as const;

/** Name of a metric. */
export type MetricName = keyof typeof METRICS;
