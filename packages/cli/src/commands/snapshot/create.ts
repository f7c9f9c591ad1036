import { lstatSync, realpathSync } from "node:fs";
import {
  NS_PER_SECOND,
  type WriteSession,
  errorMessage,
  formatGoDuration,
  goStringify,
  isKopiaError,
  localTimeZone,
} from "@kopia-engine/kopia-format";
import {
  boundHeapOfLargeTrees,
  createSnapshot,
  formatSource,
  loadPolicyTree,
  snapshotToJson,
  type CreateSnapshotOptions,
  type CreateSnapshotResult,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { printJsonObject } from "../../output/json-output.ts";
import { defineCommand, remainingArguments } from "../../parser/command.ts";
import { maintainAfterwards } from "../../session/auto-maintenance.ts";
import { IN_WRITE_SESSION, withWriteSession } from "../../session/open-session.ts";
import { tagArguments } from "../../session/tag-argument.ts";
import { timeArgument } from "../../session/time-argument.ts";
import { actionRunner } from "./create-actions.ts";
import { createFlags, type CreateFlagValues } from "./create-flags.ts";
import { UploadReporter } from "./create-progress.ts";
import { chooseSources, type SnapshotTask } from "./create-sources.ts";
import { estimateSourceSize } from "./source-size.ts";

const MAX_CHECKPOINT_INTERVAL_NS = 45 * 60e9;
const MAX_DESCRIPTION_BYTES = 1024;
const BYTES_PER_MIB = 2 ** 20;
const NS_PER_MS = 1e6;

/** `snapshot create` (spec 2 §9.2, spec 3 §6.5). */
export const command = defineCommand({
  flags: createFlags,
  arguments: { paths: remainingArguments("source", "Directories or files") },
  async run(context, { flags, arguments: { paths } }) {
    await withWriteSession(
      context,
      async (session) => {
        const common = commonOptions(context, session, flags);
        const tasks = await chooseSources(context, session, { flags, paths });
        const failures: Error[] = [];
        for (const task of tasks) {
          if (context.io.signal.aborted) {
            context.log.info("Upload canceled");
            break;
          }
          const result = await snapshotOne(context, session, { task, common, flags, failures });
          if (flags.flushPerSource) await session.flush();
          // A limit or an interruption ends the whole run, not only this source (spec 2 §9.2).
          if (result?.manifest.incompleteReason && tasks.length > 1) {
            context.log.info("Upload canceled");
            break;
          }
        }
        // What was stored stays, also when other sources failed (spec 3 §6.5).
        await session.flush();
        throwFailures(failures);
      },
      { errorPrefix: IN_WRITE_SESSION, afterwards: maintainAfterwards },
    );
  },
});

type CommonOptions = Omit<CreateSnapshotOptions, "source" | "path">;

function commonOptions(
  context: CommandContext,
  session: WriteSession,
  flags: CreateFlagValues,
): CommonOptions {
  if (flags.checkpointInterval > MAX_CHECKPOINT_INTERVAL_NS)
    throw new CommandError("upload error: checkpoint interval cannot be greater than 45m0s");
  if (new TextEncoder().encode(flags.description).length > MAX_DESCRIPTION_BYTES)
    throw new CommandError("description too long");
  const { io } = context;
  const stdin =
    flags.stdinFile === undefined
      ? undefined
      : { fileName: flags.stdinFile, stream: io.stdin.bytes() };
  return {
    description: flags.description,
    tags: tagArguments(flags.tags),
    pins: flags.pins,
    forceHashPercent: flags.forceHash,
    failFast: flags.failFast,
    checkpointIntervalMs: flags.checkpointInterval / NS_PER_MS,
    timeZone: localTimeZone(),
    signal: io.signal,
    actions: actionRunner(context, session, flags),
    markSourceManual: flags.overrideSource !== undefined,
    ...(flags.parallel > 0 ? { parallelFileReads: flags.parallel } : {}),
    ...(flags.uploadLimitMb > 0 ? { uploadLimitBytes: flags.uploadLimitMb * BYTES_PER_MIB } : {}),
    ...(stdin === undefined ? {} : { stdin }),
    ...(flags.startTime === undefined
      ? {}
      : { startTime: timeArgument(flags.startTime, "start-time") }),
    ...(flags.endTime === undefined ? {} : { endTime: timeArgument(flags.endTime, "end-time") }),
    ...(io.random === undefined ? {} : { random: io.random }),
  };
}

async function snapshotOne(
  context: CommandContext,
  session: WriteSession,
  input: {
    readonly task: SnapshotTask;
    readonly common: CommonOptions;
    readonly flags: CreateFlagValues;
    readonly failures: Error[];
  },
): Promise<CreateSnapshotResult | undefined> {
  const { task, failures } = input;
  const name = formatSource(task.source);
  tellLink(context, task.path);
  context.log.info(`Snapshotting ${name} ...`);
  const startedAt = session.repository.clock.now();
  const reporter = createReporter(context, session, input);
  let result: CreateSnapshotResult;
  try {
    const observer = boundHeapOfLargeTrees(reporter.observer);
    result = await createSnapshot(session, { ...input.common, ...task, observer });
    reporter.finish();
  } catch (error) {
    // A session that broke cannot take further sources.
    if (isKopiaError(error, "SESSION_BROKEN")) throw error;
    failures.push(...sourceFailures(error, name));
    return undefined;
  } finally {
    reporter.stop();
    context.log.endProgress();
  }
  report(context, result, {
    flags: input.flags,
    durationNs: session.repository.clock.now() - startedAt,
  });
  const { manifest } = result;
  const summary = manifest.rootEntry?.summary;
  const ignored = summary?.ignoredErrorCount ?? manifest.stats.ignoredErrorCount;
  const fatal = summary?.fatalErrorCount ?? manifest.stats.errorCount;
  if (!result.saved) return result;
  if (ignored > 0) context.log.warning(`Ignored ${ignored} error(s) while snapshotting ${name}.`);
  if (fatal > 0)
    failures.push(new CommandError(`Found ${fatal} fatal error(s) while snapshotting ${name}.`));
  return result;
}

/** Progress knows the total of what is read from a place, not of standard input. */
function createReporter(
  context: CommandContext,
  session: WriteSession,
  { task, flags }: { readonly task: SnapshotTask; readonly flags: CreateFlagValues },
): UploadReporter {
  const { clock } = session.repository;
  const reporter = new UploadReporter(context, clock);
  if (context.log.showsProgress && flags.stdinFile === undefined) {
    const { globals } = context;
    const policyTree = () => loadPolicyTree(session.manifests, task.source);
    reporter.measure(estimateSourceSize({ ...task, loadPolicyTree: policyTree, clock, globals }));
  }
  return reporter;
}

/** A source may be a link; what it leads to is what is stored (spec 2 §7.1). */
function tellLink(context: CommandContext, path: string): void {
  try {
    if (!lstatSync(path).isSymbolicLink()) return;
    context.log.info(`${path} resolved to ${realpathSync(path)}`);
  } catch {
    // A source that is not there is told by the upload.
  }
}

function report(
  context: CommandContext,
  { manifest, saved }: CreateSnapshotResult,
  options: { readonly flags: CreateFlagValues; readonly durationNs: bigint },
): void {
  const { flags } = options;
  if (!saved) {
    context.log.info(
      "\n Not saving snapshot because no files have been changed since previous snapshot",
    );
    return;
  }
  if (flags.json) {
    const json = snapshotToJson(manifest, { withStats: flags.jsonVerbose });
    const text = goStringify(json);
    printJsonObject(context.out, text, { indent: flags.jsonIndent, wide: true });
    return;
  }
  const partial = manifest.incompleteReason === "" ? "" : " partial";
  const root = manifest.rootEntry?.objectId ?? "";
  const seconds = options.durationNs / NS_PER_SECOND;
  const duration = formatGoDuration(seconds * NS_PER_SECOND);
  context.log.info(
    `Created${partial} snapshot with root ${root} and ID ${manifest.id} in ${duration}`,
  );
}

/** Kopia tells twice about a source that is not there: once while preparing, once while uploading. */
function sourceFailures(error: unknown, name: string): readonly Error[] {
  if (isKopiaError(error, "SOURCE_UNREADABLE")) {
    const kind = error.details["kind"];
    const isMissing = kind === "missing" || kind === "dangling";
    const second = new CommandError(`upload error: unsupported source: ${name}`);
    return isMissing ? [error, second] : [error];
  }
  return [error instanceof Error ? error : new CommandError(errorMessage(error))];
}

function throwFailures(failures: readonly Error[]): void {
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  const messages = failures.map((failure) => failure.message).join("\n");
  throw new CommandError(`encountered ${failures.length} errors:\n${messages}`, { cause: first });
}
