import {
  KopiaError,
  type ManifestWriter,
  type RandomBytes,
  type TimeNs,
  type WriteSession,
  compareBytes,
  localTimeZone,
  utf8Encode,
} from "@kopia-engine/kopia-format";
import {
  DEFAULT_MAINTENANCE_PARAMETERS,
  hasMaintenanceParameters,
  setMaintenanceParameters,
} from "../model/maintenance-parameters.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { findPreviousSnapshots, saveSnapshot } from "../model/snapshot-store.ts";
import { type Source, validateUploadSource } from "../model/source.ts";
import { getDefinedPolicy, loadPolicyTree, setPolicy } from "../policy/policy-store.ts";
import { EMPTY_POLICY } from "../policy/policy.ts";
import { executeExpire, planSourceExpire } from "../retention/expire.ts";
import type { ActionRunner } from "./action-runner.ts";
import { SnapshotGuard } from "./snapshot-guard.ts";
import type { UploadExecutor } from "./upload-executor.ts";
import type { UploadObserver } from "./upload-observer.ts";
import type { UploadOptions } from "./upload-options.ts";
import { uploadSnapshot } from "./upload-snapshot.ts";
import { uploadStream } from "./upload-stream.ts";

/** What `createSnapshot` is told; everything but the source has a default. */
export interface CreateSnapshotOptions {
  /** Identity under which the snapshot is stored: `user@host:path`. */
  readonly source: Source;
  /** Directory or file to read. Default: `source.path`. */
  readonly path?: string;
  /** At most 1024 bytes (spec 2 §5.1). */
  readonly description?: string;
  /** Keys as stored, with their `tag:` prefix. */
  readonly tags?: Readonly<Record<string, string>>;
  readonly pins?: readonly string[];
  /** Replaces the real time; when only one of the two is given the other is shifted with it (spec 2 §5.1). */
  readonly startTime?: TimeNs;
  readonly endTime?: TimeNs;
  /** Reads from a stream instead of `path` (`--stdin-file`): one file in a virtual directory. */
  readonly stdin?: { readonly fileName: string; readonly stream: AsyncIterable<Uint8Array> };
  /** Marks the source as manually scheduled afterwards (`--override-source`); always done for `stdin`. */
  readonly markSourceManual?: boolean;
  readonly forceHashPercent?: number;
  readonly failFast?: boolean;
  readonly uploadLimitBytes?: number;
  /** Default and maximum: 45 minutes. */
  readonly checkpointIntervalMs?: number;
  /** IANA zone for retention (spec 2 §8.5). Default: the process's. */
  readonly timeZone?: string;
  /** Looks at a whole snapshot before it is saved, and at those it followed, best first. */
  readonly review?: (
    manifest: SnapshotManifest,
    previous: readonly SnapshotManifest[],
  ) => SnapshotReview;
  readonly signal?: AbortSignal;
  readonly observer?: UploadObserver;
  /** Runs the commands of policies (spec 2 §7.9); not for `stdin` or a single file. Default: none are run. */
  readonly actions?: ActionRunner;
  readonly executor?: UploadExecutor;
  /** Threads that store files, the calling one included: 1 for no others; at most as many as cores, and 4. Default: the policy's `maxParallelFileReads`, else as many as can be. */
  readonly parallelFileReads?: number;
  readonly random?: RandomBytes;
}

/** What a review decides; everything absent leaves things as they are. */
export interface SnapshotReview {
  /** More tags, as stored, with their `tag:` prefix. */
  readonly tags?: Readonly<Record<string, string>>;
  /** Deletes no snapshot this time: what is to be kept is in doubt. */
  readonly freezeRetention?: boolean;
  /** The snapshot is not saved; its contents stay for the next one. */
  readonly discard?: boolean;
}

/** Outcome of `createSnapshot`. */
export interface CreateSnapshotResult {
  /** With its manifest ID when it was saved. Errors of entries: `rootEntry.summary` and `stats`. */
  readonly manifest: SnapshotManifest;
  /** False when the policy says to ignore identical snapshots and nothing had changed. */
  readonly saved: boolean;
  /** The root object is the same as in the newest previous snapshot. */
  readonly identical: boolean;
  /** Manifests that retention removed. */
  readonly deletedByRetention: readonly SnapshotManifest[];
}

/** Longest description, in bytes of UTF-8 (spec 2 §5.1). */
const MAX_DESCRIPTION_BYTES = 1024;

/**
 * The whole of `snapshot create` for one source (spec 2 §9.2): previous snapshots, policies, upload,
 * description, tags, pins and times, check for identity, save, retention, manual mark. The session is
 * **not flushed**: several sources may share one.
 * @throws KopiaError as `uploadSnapshot`; `ARGUMENT_INVALID` (description too long);
 * `SOURCE_INVALID` (a source that could not carry a policy is refused before anything is read);
 * `POLICY_INVALID`; `SESSION_EXPIRED` when the machine slept so long that upkeep removed what it relied on, also from the flush.
 */
export async function createSnapshot(
  session: WriteSession,
  options: CreateSnapshotOptions,
): Promise<CreateSnapshotResult> {
  const { source } = options;
  const { manifests } = session;
  validateUploadSource(source);
  validateDescription(options.description ?? "");
  const guard = new SnapshotGuard(session);
  const previousSnapshots = await findPreviousSnapshots(manifests, source);
  const policyTree = await loadPolicyTree(manifests, source);
  const timeZone = options.timeZone ?? localTimeZone();
  const saveCheckpoint = async (checkpoint: SnapshotManifest): Promise<void> => {
    await guard.assertStored(checkpoint);
    guard.watchFlush(await saveSnapshot(manifests, checkpoint));
    guard.startAnew();
    await applyRetention(manifests, source, timeZone);
    await session.flush();
  };
  const base = { ...options, session, policyTree, previousSnapshots, saveCheckpoint };
  const uploaded = await upload(base);
  const manifest = withUserFields(uploaded, options);
  const previousRoot = previousSnapshots[0]?.rootEntry?.objectId;
  const identical = previousRoot !== undefined && previousRoot === manifest.rootEntry?.objectId;
  if (identical && policyTree.policy.retention.ignoreIdenticalSnapshots === true) {
    return { manifest, saved: false, identical, deletedByRetention: [] };
  }
  const review = options.review?.(manifest, previousSnapshots) ?? {};
  if (review.discard === true) return { manifest, saved: false, identical, deletedByRetention: [] };
  const tags = { ...manifest.tags, ...review.tags };
  await guard.assertStored(manifest);
  const saved = await saveSnapshot(manifests, { ...manifest, tags });
  guard.watchFlush(saved);
  await ensureMaintenanceOwner(session);
  const isFrozen = review.freezeRetention === true;
  const deletedByRetention = isFrozen ? [] : await applyRetention(manifests, source, timeZone);
  if (options.stdin !== undefined || options.markSourceManual === true) {
    await markManual(manifests, source);
  }
  return { manifest: saved, saved: true, identical, deletedByRetention };
}

async function upload(
  options: CreateSnapshotOptions & Omit<UploadOptions, "localPath">,
): Promise<SnapshotManifest> {
  if (options.stdin !== undefined) return await uploadStream({ ...options, ...options.stdin });
  const { path } = options;
  return await uploadSnapshot(path === undefined ? options : { ...options, localPath: path });
}

function validateDescription(description: string): void {
  const lengthBytes = utf8Encode(description).length;
  if (lengthBytes <= MAX_DESCRIPTION_BYTES) return;
  throw new KopiaError(
    "ARGUMENT_INVALID",
    `description has ${lengthBytes} bytes, at most ${MAX_DESCRIPTION_BYTES} are allowed`,
  );
}

function withUserFields(
  uploaded: SnapshotManifest,
  options: CreateSnapshotOptions,
): SnapshotManifest {
  const durationNs = uploaded.endTime - uploaded.startTime;
  const { startTime, endTime } = options;
  return {
    ...uploaded,
    description: options.description ?? "",
    tags: options.tags ?? {},
    pins: [...new Set(options.pins ?? [])].sort(comparePins),
    startTime: startTime ?? (endTime === undefined ? uploaded.startTime : endTime - durationNs),
    endTime: endTime ?? (startTime === undefined ? uploaded.endTime : startTime + durationNs),
  };
}

function comparePins(a: string, b: string): number {
  return compareBytes(utf8Encode(a), utf8Encode(b));
}

async function applyRetention(
  manifests: ManifestWriter,
  source: Source,
  timeZone: string,
): Promise<readonly SnapshotManifest[]> {
  return await executeExpire(manifests, await planSourceExpire(manifests, source, timeZone));
}

/** Keeps `--all` and schedules from reading a path that may not exist (spec 2 §7.5, §9.2). */
async function markManual(manifests: ManifestWriter, source: Source): Promise<void> {
  const defined = await getDefinedPolicy(manifests, source);
  const policy = defined?.policy ?? EMPTY_POLICY;
  if (policy.scheduling.manual === true) return;
  // Manual may not be combined with any other scheduling field (spec 2 §8.7).
  await setPolicy(manifests, source, { ...policy, scheduling: { manual: true } });
}

/** A repository that nobody owns would never be maintained: this client takes it over (spec 3 §1.1). */
async function ensureMaintenanceOwner({ manifests, repository }: WriteSession): Promise<void> {
  if (await hasMaintenanceParameters(manifests)) return;
  const { username, hostname } = repository.client;
  const owner = `${username}@${hostname}`;
  await setMaintenanceParameters(manifests, { ...DEFAULT_MAINTENANCE_PARAMETERS, owner });
}
