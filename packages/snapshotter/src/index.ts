export {
  compareTrees,
  type CompareTreesOptions,
  type DiffAttribute,
  type DiffCounts,
  type DiffObserver,
  type DiffPair,
  type DiffStats,
} from "./diff/compare-trees.ts";
export {
  executeHistoryStep,
  planHistory,
  type HistoryStep,
  type HistoryTransfer,
} from "./history/transfer-history.ts";
export {
  resolveObjectPath,
  type ObjectPathRepository,
  type ResolveObjectPathOptions,
  type ResolvedObject,
} from "./fs/object-path.ts";
export {
  readDirectory,
  readDirectoryForRestore,
  type RestoreListing,
} from "./fs/read-directory.ts";
export { resolveRestoreSource, type ResolveRestoreSourceOptions } from "./fs/restore-source.ts";
export {
  executeSnapshotGc,
  planSnapshotGc,
  type ContentTotal,
  type SnapshotGcInput,
  type SnapshotGcPlan,
} from "./gc/snapshot-gc.ts";
export {
  DEFAULT_BREAKER,
  parseBreaker,
  type Breaker,
  type BreakerSetting,
} from "./maintenance/breaker.ts";
export type { MaintenanceMode, MaintenanceObserver } from "./maintenance/maintenance-observer.ts";
export {
  maintenancePlanToJson,
  type MaintenancePlan,
  type PlannedTask,
  type TaskDescription,
} from "./maintenance/maintenance-plan.ts";
export {
  planMaintenance,
  runMaintenance,
  type MaintenanceOptions,
  type MaintenanceOutcome,
  type RunMaintenanceOptions,
} from "./maintenance/run-maintenance.ts";
export { SAFETY, type Safety, type SafetyParameters } from "./maintenance/safety-parameters.ts";
export { loadSchedule, saveSchedule } from "./maintenance/schedule-store.ts";
export { chooseLogs, type LogCleanupPlan } from "./maintenance/tasks/cleanup-logs.ts";
export {
  buildDirectory,
  compareEntries,
  type DirectoryParts,
  type OwnFailure,
} from "./model/build-directory.ts";
export { cleanPath } from "./model/clean-path.ts";
export { decodeDirectory, encodeDirectory, writeDirectory } from "./model/directory-codec.ts";
export type {
  DirectoryEntry,
  DirectoryListing,
  DirectorySummary,
  EntryType,
  FailedEntry,
} from "./model/directory-entry.ts";
export {
  entryFromJson,
  entryToJson,
  summaryToJson,
  timeToJson,
  type JsonOutput,
} from "./model/entry-json.ts";
export { entryModeFromPosix, entryModeToPosix } from "./model/entry-mode.ts";
export {
  DEFAULT_MAINTENANCE_PARAMETERS,
  effectiveLogRetention,
  encodeMaintenanceParameters,
  getMaintenanceParameters,
  hasMaintenanceParameters,
  setMaintenanceParameters,
  type LogRetention,
  type MaintenanceCycle,
  type MaintenanceParameters,
} from "./model/maintenance-parameters.ts";
export { compareUtf8 } from "./model/name-order.ts";
export {
  EMPTY_STATS,
  decodeSnapshotManifest,
  encodeSnapshotManifest,
  snapshotLabels,
  snapshotToJson,
  statsToJson,
} from "./model/snapshot-codec.ts";
export type {
  IncompleteReason,
  SnapshotManifest,
  SnapshotStats,
} from "./model/snapshot-manifest.ts";
export {
  compareSnapshots,
  deleteSnapshot,
  findPreviousSnapshots,
  findSnapshotsById,
  groupBySource,
  listSnapshots,
  listSources,
  loadSnapshot,
  replaceSnapshot,
  saveSnapshot,
  type InvalidSnapshotHandler,
  type SnapshotFilter,
  type SourceSnapshots,
} from "./model/snapshot-store.ts";
export {
  GLOBAL_TARGET,
  formatSource,
  parseSource,
  sourcesEqual,
  validateSnapshotSource,
  validateUploadSource,
  type Source,
  type SourceContext,
} from "./model/source.ts";
export {
  applyPolicyChanges,
  type ChangedPolicy,
  type PolicyChange,
} from "./policy/apply-policy-change.ts";
export { chooseCompressor, chooseMetadataCompressor } from "./policy/choose-compressor.ts";
export {
  enterRoot,
  type EnterOptions,
  type IgnoreCandidate,
  type IgnoreContext,
  type IgnoreDirectory,
} from "./policy/ignore-context.ts";
export { mergePolicies, type EffectivePolicy, type PolicyLevel } from "./policy/merge-policies.ts";
export { decodePolicy, encodePolicy, policyFromJson, policyToJson } from "./policy/policy-codec.ts";
export { POLICY_FIELD_NAMES, type PolicyField } from "./policy/policy-fields.ts";
export {
  getDefinedPolicy,
  getEffectivePolicy,
  listPolicies,
  loadPolicyTree,
  removePolicy,
  setPolicy,
  type PolicyEntry,
} from "./policy/policy-store.ts";
export {
  policyHierarchy,
  policyLabels,
  targetFromLabels,
  validatePolicyTarget,
} from "./policy/policy-target.ts";
export { createPolicyTree, type PolicyTree } from "./policy/policy-tree.ts";
export {
  DEFAULT_POLICY,
  EMPTY_POLICY,
  type ActionCommand,
  type ActionsPolicy,
  type CompressionPolicy,
  type ErrorHandlingPolicy,
  type FilesPolicy,
  type LoggingPolicy,
  type MetadataCompressionPolicy,
  type OsSnapshotsPolicy,
  type Policy,
  type RetentionPolicy,
  type SchedulingPolicy,
  type SplitterPolicy,
  type TimeOfDay,
  type UploadPolicy,
} from "./policy/policy.ts";
export { prepareNewRepository } from "./policy/prepare-new-repository.ts";
export { validatePolicy } from "./policy/validate-policy.ts";
export {
  archiveFormatOf,
  createArchiveOutput,
  type ArchiveFormat,
} from "./restore/archive/create-archive-output.ts";
export { createLocalOutput, type LocalOutputOptions } from "./restore/local-output.ts";
export type { RestoreStats } from "./restore/restore-counters.ts";
export type {
  DeletedCounts,
  OutputDirectory,
  OutputFile,
  RestoreOutput,
} from "./restore/restore-output.ts";
export {
  restoreTree,
  type RestoreFailure,
  type RestoreObserver,
  type RestoreOptions,
  type ShallowOptions,
} from "./restore/restore-tree.ts";
export {
  isPlaceholderPath,
  openLocalPlaceholder,
  removeLocalPlaceholder,
  type LocalPlaceholder,
} from "./restore/local-placeholder.ts";
export { computeRetention, type RetainedSnapshot } from "./retention/compute-retention.ts";
export {
  executeExpire,
  planExpire,
  planSourceExpire,
  type ExpireInput,
  type ExpirePlan,
  type KeptSnapshot,
} from "./retention/expire.ts";
export { changePins, pinSnapshot, type PinChange } from "./retention/pins.ts";
export { boundHeapOfLargeTrees } from "./upload/bound-heap.ts";
export {
  createSnapshot,
  type CreateSnapshotOptions,
  type CreateSnapshotResult,
  type SnapshotReview,
} from "./upload/create-snapshot.ts";
export type {
  PartialUpload,
  UploadBatch,
  UploadBatchObserver,
  UploadExecutor,
  UploadItem,
  UploadItemResult,
  UploadSettings,
} from "./upload/upload-executor.ts";
export type {
  ActionKind,
  ActionRequest,
  ActionResult,
  ActionRunner,
} from "./upload/action-runner.ts";
export {
  createProcessActionRunner,
  type ProcessActionOptions,
} from "./upload/process-action-runner.ts";
export type { UploadFailure, UploadObserver, UploadProgress } from "./upload/upload-observer.ts";
export type {
  UploadBaseOptions,
  UploadOptions,
  UploadStreamOptions,
} from "./upload/upload-options.ts";
export { uploadSnapshot } from "./upload/upload-snapshot.ts";
export { SnapshotMigrator, type MigratorOptions } from "./upload/migrate-snapshot.ts";
export { uploadStream } from "./upload/upload-stream.ts";
export {
  verifySnapshots,
  type VerifyError,
  type VerifyOptions,
  type VerifyResult,
  type VerifyRoot,
  type VerifyStats,
} from "./verify/verify-snapshots.ts";
export { FINDING_CODES, type FindingCode, type Severity } from "./doctor/finding-codes.ts";
export type { AffectedSnapshot, Finding } from "./doctor/finding.ts";
export {
  runDoctor,
  type DoctorOptions,
  type DoctorReport,
  type DoctorTotals,
  type DoctorVerdict,
} from "./doctor/run-doctor.ts";
export {
  executeBlobCollection,
  planBlobCollection,
  type BlobCollectionPlan,
} from "./fix/collect-blobs.ts";
export { fixSnapshots, type FixSnapshotsOptions, type FixedSnapshot } from "./fix/fix-snapshots.ts";
export {
  recoverIndex,
  type RecoverIndexOptions,
  type RecoveredIndex,
} from "./fix/recover-index.ts";
export {
  invalidFilesRules,
  removeFilesRules,
  type InvalidFilesOptions,
  type RemoveFilesOptions,
} from "./fix/rewrite-rules.ts";
export {
  executeContentRewrite,
  planContentRewrite,
  type ContentRewritePlan,
  type RewriteSelection,
} from "./fix/select-contents.ts";
export type {
  InvalidDirectoryHandling,
  InvalidFileHandling,
  RewriteRules,
} from "./fix/tree-rewriter.ts";
export { wildcardMatcher } from "./fix/wildcard.ts";
export { ObjectChecker, type CheckedRepository } from "./verify/object-checker.ts";
export {
  estimateSnapshot,
  type EstimateBucket,
  type EstimateExample,
  type EstimateOptions,
  type SnapshotEstimate,
} from "./upload/estimate-snapshot.ts";
