import { join } from "node:path";
import {
  formatGoDuration,
  storageOperationFields,
  systemClock,
  userCacheDirectory,
  type Clock,
  type StorageObserver,
  NS_PER_MS,
} from "@kopia-engine/kopia-format";
import type { CliIo } from "../cli-io.ts";
import type { GlobalOptions } from "../global-flags.ts";
import type { Log, LogLevel } from "../output/log.ts";
import { LogFile } from "./log-file.ts";
import { compactTime, logFileLine } from "./log-lines.ts";
import type { Metrics } from "./metrics.ts";
import { sweepLogDirectory } from "./sweep-log-directory.ts";

/** Logs, metrics and profiles of one command. */
export interface Observability {
  /** To be told about storage operations, where anybody wants to know. */
  readonly onStorageOperation?: StorageObserver;
  /** To be told the lines of the repository's log, where a content log file is kept. */
  readonly onRepositoryLogLine?: (line: string) => void;
  readonly metrics?: Metrics;
  /** Writes and pushes what is left, and removes old log files. */
  finish(): Promise<void>;
}

/** What is observed. */
export interface ObservedCommand {
  readonly io: CliIo;
  readonly globals: GlobalOptions;
  readonly log: Log;
  /** Words of the command. */
  readonly path: readonly string[];
}

/**
 * Opens log files, and starts metrics and profiles that flags ask for (spec 3 §6.2, §7.2, §9.1).
 * @throws CommandError when metrics cannot be given out as asked.
 */
export async function observeCommand(command: ObservedCommand): Promise<Observability> {
  const { globals, log, io } = command;
  const clock = io.clock ?? systemClock;
  const runName = `${compactTime(clock.now(), globals.fileLogLocalTz)}-${io.pid}`;
  const files = openLogFiles(command, { clock, runName });
  const facilities = await startFacilities(command, { clock });
  const observers: StorageObserver[] = [];
  if (facilities?.metrics !== undefined) observers.push(facilities.metrics.storageOperation);
  if (globals.traceStorage && log.isHeard("debug")) observers.push(storageTrace(log));
  return {
    ...(observers.length > 0 && {
      onStorageOperation: (operation) => {
        for (const observe of observers) observe(operation);
      },
    }),
    ...(files.content !== undefined && {
      onRepositoryLogLine: (line: string) => files.content?.line(line, false),
    }),
    ...(facilities?.metrics !== undefined && { metrics: facilities.metrics }),
    async finish() {
      await facilities?.finish();
      files.close();
    },
  };
}

interface LogFiles {
  readonly content: LogFile | undefined;
  close(): void;
}

function openLogFiles(
  { globals, log, io, path }: ObservedCommand,
  run: { readonly clock: Clock; readonly runName: string },
): LogFiles {
  const directory = globals.logDir ?? userCacheDirectory(io.env);
  const fileName = `kopia-${run.runName}-${path.join("-")}`;
  let hasFailed = false;
  // Both files usually fail for the same reason: a root that is mounted read-only.
  const onFailure = (message: string): void => {
    if (!hasFailed) log.warning(message);
    hasFailed = true;
  };
  const open = (basePath: string, linksLatest: boolean): LogFile =>
    new LogFile({
      basePath,
      linksLatest,
      maxSegmentBytes: globals.maxLogFileSegmentSize,
      onFailure,
    });
  if (globals.disableFileLogging) return { content: undefined, close() {} };
  const given = globals.logFile;
  const cli =
    given === undefined
      ? open(join(directory, "cli-logs", fileName), true)
      : open(given.replace(/\.log$/, ""), false);
  const content = globals.disableContentLog
    ? undefined
    : open(join(directory, "content-logs", fileName), true);
  const format = { json: globals.jsonLogFile, localTime: globals.fileLogLocalTz };
  log.attachFile(globals.fileLogLevel as LogLevel, (entry) => {
    const isUrgent = entry.level === "error" || entry.level === "warning";
    cli.line(logFileLine(entry, run.clock.now(), format), isUrgent);
  });
  return {
    content,
    close() {
      cli.close();
      content?.close();
      if (!globals.waitForLogSweep) return;
      const nowMs = Number(run.clock.now() / NS_PER_MS);
      if (cli.isUsed && given === undefined)
        sweepLogDirectory(cli.directory, cliLimits(globals), nowMs);
      if (content?.isUsed === true)
        sweepLogDirectory(content.directory, contentLimits(globals), nowMs);
    },
  };
}

function cliLimits(globals: GlobalOptions) {
  return {
    maxFiles: globals.logDirMaxFiles,
    maxAgeNs: globals.logDirMaxAge,
    maxTotalSizeMb: globals.logDirMaxTotalSizeMb,
  };
}

function contentLimits(globals: GlobalOptions) {
  return {
    maxFiles: globals.contentLogDirMaxFiles,
    maxAgeNs: globals.contentLogDirMaxAge,
    maxTotalSizeMb: globals.contentLogDirMaxTotalSizeMb,
  };
}

/** Storage operations as messages of level debug. */
function storageTrace(log: Log): StorageObserver {
  return (operation) =>
    log.entry({
      level: "debug",
      name: "kopia/repo",
      message: `[STORAGE] ${operation.method}`,
      fields: {
        ...(storageOperationFields(operation) as Record<string, string>),
        duration: formatGoDuration(operation.durationNs),
      },
    });
}

/** Loaded only where a flag asks: nearly every run does without. */
async function startFacilities(command: ObservedCommand, run: { readonly clock: Clock }) {
  const { globals } = command;
  const isAsked =
    globals.metricsListenAddr !== undefined ||
    globals.metricsPushAddr !== undefined ||
    globals.metricsStoreOnExit ||
    globals.profileCpu ||
    globals.profileStoreOnExit;
  if (!isAsked) return undefined;
  return (await import("./facilities.ts")).startFacilities(command, run.clock);
}
