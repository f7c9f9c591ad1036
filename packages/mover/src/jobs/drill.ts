import { createHash } from "node:crypto";
import {
  closeSync,
  mkdtempSync,
  openSync,
  readSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Repository,
  errorMessage,
  formatGoTime,
  makeDirectories,
  NS_PER_SECOND,
} from "@kopia-engine/kopia-format";
import {
  type DirectoryEntry,
  type SnapshotManifest,
  createLocalOutput,
  entryModeToPosix,
  formatSource,
  listSnapshots,
  readDirectory,
  restoreTree,
} from "@kopia-engine/snapshotter";
import { connect } from "../connect/connect-or-create.ts";
import type { Environment, MoverEnvironment } from "../environment/environment.ts";
import { count, optional } from "../environment/variables.ts";
import { JOB_SUCCEEDED, type JobContext, type JobResult } from "./job-context.ts";
import { newestOfEach, noRepository } from "./verify.ts";

const DEFAULT_FILES_PER_SOURCE = 20;
const DEFAULT_MAX_BYTES = 2 ** 30;
const MAX_PRINTED_ERRORS = 5;
const READ_BYTES = 2 ** 20;

/** Outcome of one source, as the result file has it. */
interface DrilledSource {
  readonly source: string;
  readonly snapshotId: string;
  readonly files: number;
  readonly bytes: number;
  readonly errors: readonly string[];
}

/**
 * A restore drill: a random sample of files of the newest whole snapshot of every source is restored into
 * scratch, without the cache, and compared with what the snapshot says: size, mode, time, link target, and
 * the bytes against a second, independent read of the repository. The scratch is removed afterwards.
 * @throws KopiaError of connecting and listing; what cannot be restored is a result.
 */
export async function runDrill(job: MoverEnvironment, context: JobContext): Promise<JobResult> {
  const { log, env, clock, metrics } = context;
  await using repository = await connect(job, context, { readOnly: true, useCache: false });
  if (repository === undefined) throw noRepository(job);
  const scratch = makeScratch(env);
  const drilled: DrilledSource[] = [];
  try {
    for (const snapshot of newestOfEach(await listSnapshots(repository.manifests), 1)) {
      context.signal.throwIfAborted();
      drilled.push(await drillSource({ repository, snapshot, scratch, context }));
      context.progressed();
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  const errors = drilled.flatMap(({ source, errors: own }) =>
    own.map((text) => `${source}: ${text}`),
  );
  const files = drilled.reduce((sum, source) => sum + source.files, 0);
  for (const error of errors.slice(0, MAX_PRINTED_ERRORS)) log.error(error);
  const finishedAt = formatGoTime(clock.now());
  writeResult(env, job, { finishedAt, succeeded: errors.length === 0, sources: drilled }, context);
  metrics.check("drill", { files, errors: errors.length, now: clock.now() });
  log.info(`Restore drill: ${files} files of ${drilled.length} sources, ${errors.length} errors`);
  if (errors.length === 0) {
    log.info("Restore drill completed successfully");
    return JOB_SUCCEEDED;
  }
  log.error(`Restore drill failed: ${errors.length} errors`);
  return { exitCode: 1, succeeded: false };
}

interface SourceDrill {
  readonly repository: Repository;
  readonly snapshot: SnapshotManifest;
  readonly scratch: string;
  readonly context: JobContext;
}

async function drillSource(drill: SourceDrill): Promise<DrilledSource> {
  const { snapshot, context } = drill;
  const source = formatSource(snapshot.source);
  const errors: string[] = [];
  let bytes = 0;
  let files = 0;
  try {
    const maxFiles = count(context.env, "KOPIA_DRILL_FILES") ?? DEFAULT_FILES_PER_SOURCE;
    const maxBytes = count(context.env, "KOPIA_DRILL_MAX_BYTES") ?? DEFAULT_MAX_BYTES;
    for (const sample of await sampleFiles(drill, maxFiles)) {
      // One file is always drilled, however large.
      if (files > 0 && bytes + Number(sample.entry.sizeBytes) > maxBytes) continue;
      files++;
      bytes += Number(sample.entry.sizeBytes);
      const difference = await drillFile(drill, sample, files);
      if (difference !== undefined) errors.push(`${sample.path}: ${difference}`);
    }
  } catch (error) {
    errors.push(errorMessage(error));
  }
  return { source, snapshotId: snapshot.id, files, bytes, errors };
}

interface Sample {
  readonly path: string;
  readonly entry: DirectoryEntry;
}

/** A uniform random sample of all files and links of a tree (a reservoir: the tree is never held). */
async function sampleFiles(drill: SourceDrill, maxFiles: number): Promise<readonly Sample[]> {
  const { repository, snapshot, context } = drill;
  const root = snapshot.rootEntry;
  if (root === undefined) return [];
  if (root.type !== "d") return [{ path: root.name, entry: root }];
  const sample: Sample[] = [];
  let seen = 0;
  const pending: { path: string; entry: DirectoryEntry }[] = [{ path: "", entry: root }];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    context.signal.throwIfAborted();
    const { entries } = await readDirectory(repository.objects, at.entry.objectId);
    for (const entry of entries) {
      const path = at.path === "" ? entry.name : `${at.path}/${entry.name}`;
      if (entry.type === "d") pending.push({ path, entry });
      else if (sample.length < maxFiles) sample.push({ path, entry });
      else {
        const place = randomBelow(repository, seen + 1);
        if (place < maxFiles) sample[place] = { path, entry };
      }
      if (entry.type !== "d") seen++;
    }
  }
  return sample;
}

/** Restores one file and says how it differs. */
async function drillFile(
  { repository, scratch, context }: SourceDrill,
  { entry }: Sample,
  serial: number,
): Promise<string | undefined> {
  const targetPath = join(scratch, `file-${serial}`);
  try {
    await restoreTree({
      repository,
      entry,
      output: createLocalOutput({ targetPath, skipOwners: true }),
      signal: context.signal,
    });
    return entry.type === "s"
      ? await compareLink(repository, entry, targetPath)
      : await compareFile(repository, entry, targetPath);
  } catch (error) {
    return errorMessage(error);
  } finally {
    rmSync(targetPath, { force: true });
  }
}

async function compareFile(
  repository: Repository,
  entry: DirectoryEntry,
  path: string,
): Promise<string | undefined> {
  const stat = statSync(path, { bigint: true });
  if (stat.size !== entry.sizeBytes) return `has ${stat.size} bytes, not ${entry.sizeBytes}`;
  const wantedMode = entryModeToPosix(entry.mode) & 0o777;
  if ((Number(stat.mode) & 0o777) !== wantedMode)
    return `has mode ${(Number(stat.mode) & 0o777).toString(8)}, not ${wantedMode.toString(8)}`;
  if (stat.mtimeNs / NS_PER_SECOND !== entry.modTime / NS_PER_SECOND)
    return `has another modification time`;
  const restored = hashOfFile(path);
  const stored = await hashOfObject(repository, entry);
  return restored === stored ? undefined : "has other bytes than the repository";
}

async function compareLink(
  repository: Repository,
  entry: DirectoryEntry,
  path: string,
): Promise<string | undefined> {
  const target = readlinkSync(path, { encoding: "buffer" });
  const hash = createHash("sha256").update(target).digest("hex");
  return hash === (await hashOfObject(repository, entry)) ? undefined : "has another link target";
}

function hashOfFile(path: string): string {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  const file = openSync(path, "r");
  try {
    for (let length = readSync(file, buffer); length > 0; length = readSync(file, buffer))
      hash.update(buffer.subarray(0, length));
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}

async function hashOfObject(repository: Repository, entry: DirectoryEntry): Promise<string> {
  const hash = createHash("sha256");
  const reader = await repository.objects.openObject(entry.objectId);
  for await (const piece of reader.chunks()) hash.update(piece);
  return hash.digest("hex");
}

function randomBelow(repository: Repository, limit: number): number {
  const bytes = repository.random(6);
  const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return value % limit;
}

function makeScratch(env: Environment): string {
  const parent = optional(env, "KOPIA_DRILL_DIR") ?? tmpdir();
  makeDirectories(parent);
  return mkdtempSync(join(parent, "kopia-drill-"));
}

/** `KOPIA_DRILL_RESULT`, by default in the cache: what the last drill found, as JSON. */
function writeResult(
  env: Environment,
  job: MoverEnvironment,
  result: object,
  { log }: JobContext,
): void {
  const path = optional(env, "KOPIA_DRILL_RESULT") ?? join(job.cacheDirectory, "drill-result.json");
  try {
    writeFileSync(path, `${JSON.stringify(result, undefined, 2)}\n`);
  } catch (error) {
    log.warn(`The drill's result was not written to ${path}: ${errorMessage(error)}`);
  }
}
