import { goStringify, isKopiaError, type Repository } from "@kopia-engine/kopia-format";
import {
  formatSource,
  ObjectChecker,
  listSnapshots,
  loadSnapshot,
  resolveObjectPath,
  verifySnapshots,
  type SnapshotManifest,
  type Source,
  type VerifyError,
  type VerifyRoot,
  type VerifyStats,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { timestamp } from "../../output/timestamps.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { countFlag, floatFlag, listFlag, type FlagValues } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { sourceArgument, sourceProblem } from "../../session/source-argument.ts";

const PROGRESS_INTERVAL_NS = 1_000_000_000n;

const flags = {
  maxErrors: countFlag("max-errors", {
    help: "Stop after so many errors; 0: at the first, negative: never",
    default: 0,
  }),
  directoryIds: listFlag("directory-id", { help: "Directory objects to verify" }),
  fileIds: listFlag("file-id", { help: "File objects to verify" }),
  sources: listFlag("sources", { help: "Sources to verify" }),
  parallel: countFlag("parallel", { help: "Threads at most; never more than cores", default: 8 }),
  fileQueueLength: countFlag("file-queue-length", {
    help: "Accepted, without effect",
    default: 20_000,
  }),
  fileParallelism: countFlag("file-parallelism", { help: "Threads that read files" }),
  verifyFilesPercent: floatFlag("verify-files-percent", {
    help: "Share of files to read completely, in percent",
    default: 0,
  }),
  ...jsonFlags,
};

/** `snapshot verify` (spec 2 §9.7, spec 3 §3.2). */
export const command = defineCommand({
  flags,
  arguments: { ids: remainingArguments("snapshot-ids", "Snapshots to verify") },
  async run(context, { flags: values, arguments: { ids } }) {
    await withRepository(
      context,
      async (repository) => {
        const { log, io } = context;
        await repository.contents.assertIndexPresent();
        log.info("Listing blobs...");
        const checker = await ObjectChecker.create(repository);
        log.info(`Listed ${checker.blobCount} blobs.`);
        const chosen = await chooseRoots(context, { repository, values, ids });
        const describe = (stats: VerifyStats): string =>
          values.json ? goStringify({ ...stats }) : describeStats(context, stats);
        const tell = ({ path, message }: VerifyError): void =>
          log.error(`error processing ${path}: ${message}`);
        let toldAt = 0n;
        if (chosen.error !== undefined) tell(chosen.error);
        const verified = await verifySnapshots({
          repository,
          checker,
          roots: chosen.roots,
          maxErrors: values.maxErrors,
          verifyFilesPercent: values.verifyFilesPercent,
          threads: { threads: values.fileParallelism ?? values.parallel },
          signal: io.signal,
          ...(io.random === undefined ? {} : { random: io.random }),
          onProgress: (current) => {
            const now = repository.clock.now();
            if (chosen.roots.length === 0 || now - toldAt < PROGRESS_INTERVAL_NS) return;
            toldAt = now;
            log.info(`${values.json ? "" : "Processed "}${describe(current)}`);
          },
          onError: tell,
        });
        const { stats } = verified;
        const errors = [...(chosen.error === undefined ? [] : [chosen.error]), ...verified.errors];
        if (!values.json) log.info(`Finished processing ${describe(stats)}`);
        const messages = errors.map(({ message }) => message);
        if (values.json) {
          const text = goStringify({
            stats: { ...stats },
            errorCount: messages.length,
            ...(messages.length === 0 ? {} : { errorStrings: messages }),
          });
          printJsonObject(context.out, text, { indent: values.jsonIndent, wide: true });
        }
        const [first] = messages;
        if (first === undefined) return;
        throw new CommandError(
          messages.length === 1 ? first : `encountered ${messages.length} errors`,
        );
      },
      { useCache: false },
    );
  },
});

function describeStats(context: CommandContext, stats: VerifyStats): string {
  const { formatBytes } = context;
  return (
    `${stats.processedObjectCount} objects (${formatBytes(stats.processedBytes)}). ` +
    `Read ${stats.readFileCount} files (${formatBytes(stats.readBytes)}).`
  );
}

/** What is to be verified, or why it cannot be said: then nothing is. */
interface ChosenRoots {
  readonly roots: readonly VerifyRoot[];
  readonly error?: VerifyError;
}

async function chooseRoots(
  context: CommandContext,
  input: {
    readonly repository: Repository;
    readonly values: FlagValues<typeof flags>;
    readonly ids: readonly string[];
  },
): Promise<ChosenRoots> {
  const { repository, values, ids } = input;
  const { manifests } = repository;
  const { sources, directoryIds, fileIds } = values;
  const snapshots: SnapshotManifest[] = [];
  const isEverything = sources.length + directoryIds.length + fileIds.length + ids.length === 0;
  if (isEverything) snapshots.push(...(await listSnapshots(manifests)));
  for (const text of sources) {
    let source: Source;
    try {
      source = sourceArgument(context, repository, text);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const message = `error parsing ${JSON.stringify(text)}: ${sourceProblem(text)}`;
      return { roots: [], error: { path: "tree walker enqueue", message } };
    }
    snapshots.push(...(await listSnapshots(manifests, { source })));
  }
  const found = await loadSnapshots(context, repository, ids);
  if (found.length < ids.length) {
    const message = `found ${found.length} of the ${ids.length} requested snapshot IDs to verify`;
    return { roots: [], error: { path: "tree walker enqueue", message } };
  }
  const trees = [...snapshots, ...found].flatMap((snapshot): readonly VerifyRoot[] => {
    const { rootEntry, source, startTime } = snapshot;
    if (rootEntry === undefined) return [];
    return [{ path: `${formatSource(source)}@${timestamp(context, startTime)}`, entry: rootEntry }];
  });
  const objects = [
    ...directoryIds.map((path) => rootOfObject(repository, path, "d")),
    ...fileIds.map((path) => rootOfObject(repository, path, "f")),
  ];
  return { roots: [...trees, ...(await Promise.all(objects))] };
}

/** An object that cannot be found is an error of the verification, like any other. */
async function rootOfObject(
  repository: Repository,
  path: string,
  type: "d" | "f",
): Promise<VerifyRoot> {
  try {
    const { entry } = await resolveObjectPath(repository, path);
    return { path, entry };
  } catch (error) {
    if (!isKopiaError(error) || path.includes("/")) throw error;
    const attributes = { mode: 0, sizeBytes: 0n, modTime: 0n, uid: 0, gid: 0 };
    return { path, entry: { name: "", type, ...attributes, objectId: path } };
  }
}

async function loadSnapshots(
  context: CommandContext,
  repository: Repository,
  ids: readonly string[],
): Promise<readonly SnapshotManifest[]> {
  const found: SnapshotManifest[] = [];
  for (const id of ids) {
    try {
      found.push(await loadSnapshot(repository.manifests, id));
    } catch (error) {
      if (!isKopiaError(error, "SNAPSHOT_NOT_FOUND")) throw error;
      context.log.error(`unable to parse snapshot manifest ${id}: snapshot not found`);
    }
  }
  return found;
}
