import { posix } from "node:path";
import { errorMessage } from "@kopia-engine/kopia-format";
import { buildDirectory, type OwnFailure } from "../model/build-directory.ts";
import { encodeDirectory } from "../model/directory-codec.ts";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import type { UploadStreamOptions } from "./upload-options.ts";
import { UploadRun, checkpointName } from "./upload-run.ts";

const SETTLE_EVERY_BYTES = 2 ** 25;
/** Int64 nanoseconds of the zero time, which virtual directories carry (spec 2 §6.2). */
const ZERO_TIME_NS = -6_795_364_578_871_345_152n;
const OPEN_MODE = 0o777;

/**
 * Stores a stream as the one file of a virtual root directory (`--stdin-file`, spec 2 §7.5). The
 * manifest is not saved.
 * @throws KopiaError of the session. A stream that breaks off is a failed entry, as an unreadable file is.
 */
export async function uploadStream(options: UploadStreamOptions): Promise<SnapshotManifest> {
  const run = new UploadRun(options, false);
  run.counters.directoryCount++;
  run.counters.nonCachedFileCount++;
  run.readingCount++;
  const outcome = await storeStream(run, options);
  const entries = outcome.entry === undefined ? [] : [outcome.entry];
  const rootEntry = storeRoot(run, options, { ...outcome, entries, reason: run.stopReason });
  run.tellProgress(false);
  return run.manifestOf(rootEntry);
}

interface StreamOutcome {
  readonly entry?: DirectoryEntry;
  readonly failures: readonly OwnFailure[];
}

async function storeStream(run: UploadRun, options: UploadStreamOptions): Promise<StreamOutcome> {
  const { fileName, policyTree, stream } = options;
  const { policy } = policyTree.child(fileName);
  const settings = run.settings.settings[run.settings.forFile(policy, fileName, 0)];
  const { splitter = "", ...headerIds } = settings ?? {};
  const writer = options.session.objects.createWriter(
    splitter === "" ? headerIds : { ...headerIds, splitter },
  );
  const modTime = run.startTime;
  const fileEntry = (objectId: string, name = fileName): DirectoryEntry => {
    const sizeBytes = BigInt(writer.lengthBytes);
    return { name, type: "f", mode: OPEN_MODE, sizeBytes, modTime, uid: 0, gid: 0, objectId };
  };
  let unsettledBytes = 0;
  const pieces = guardStream(stream);
  for await (const piece of pieces.read()) {
    writer.write(piece);
    unsettledBytes += piece.length;
    if (!run.countReadBytes(piece.length)) return { failures: [] };
    if (unsettledBytes < SETTLE_EVERY_BYTES) continue;
    unsettledBytes = 0;
    await run.contents.settle();
    await run.breathe();
    if (!run.isCheckpointDue()) continue;
    const objectId = writer.checkpoint();
    const name = checkpointName(fileName, run.random);
    const entries = objectId === "" ? [] : [fileEntry(objectId, name)];
    const state = { entries, failures: [], reason: "checkpoint" };
    await run.saveCheckpoint(storeRoot(run, options, state));
  }
  if (run.shouldStop()) return { failures: [] };
  if (pieces.failure !== undefined) {
    const error = errorMessage(pieces.failure.error);
    const isIgnored = policyTree.policy.errorHandling.ignoreFileErrors === true;
    if (isIgnored) run.counters.ignoredErrorCount++;
    else run.counters.fatalErrorCount++;
    run.observer.failed?.({ path: fileName, error, ignored: isIgnored });
    return { failures: [{ path: fileName, error, isIgnored }] };
  }
  run.counters.storedBytes += writer.lengthBytes;
  run.counters.hashedFileCount++;
  return { entry: fileEntry(writer.finish()), failures: [] };
}

/** Keeps an error of the stream apart from errors of the repository. */
function guardStream(stream: AsyncIterable<Uint8Array>): {
  failure?: { readonly error: unknown };
  read(): AsyncIterable<Uint8Array>;
} {
  const guard: ReturnType<typeof guardStream> = {
    async *read() {
      const iterator = stream[Symbol.asyncIterator]();
      try {
        for (;;) {
          let next: IteratorResult<Uint8Array>;
          try {
            next = await iterator.next();
          } catch (error) {
            guard.failure = { error };
            return;
          }
          if (next.done === true) return;
          yield next.value;
        }
      } finally {
        await iterator.return?.();
      }
    },
  };
  return guard;
}

function storeRoot(
  run: UploadRun,
  options: UploadStreamOptions,
  state: {
    readonly entries: readonly DirectoryEntry[];
    readonly failures: readonly OwnFailure[];
    readonly reason: string;
  },
): DirectoryEntry {
  const listing = buildDirectory({
    entries: state.entries,
    modTime: ZERO_TIME_NS,
    failures: state.failures,
    incompleteReason: state.reason,
  });
  const writerOptions = run.settings.forDirectory(options.policyTree.policy);
  return {
    // The root is named by the whole path (spec 2 "Additions").
    name: posix.normalize(options.source.path),
    type: "d",
    mode: OPEN_MODE,
    sizeBytes: 0n,
    modTime: ZERO_TIME_NS,
    uid: 0,
    gid: 0,
    objectId: options.session.objects.writeObject(encodeDirectory(listing), writerOptions),
    summary: listing.summary,
  };
}
