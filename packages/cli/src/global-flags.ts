import {
  booleanFlag,
  choiceFlag,
  countFlag,
  durationFlag,
  floatFlag,
  integerFlag,
  listFlag,
  textFlag,
  type FlagValues,
  optionalBooleanFlag,
} from "./parser/flag.ts";
import { LOG_LEVELS } from "./output/log.ts";

const DEFAULT_SEGMENT_BYTES = 50_000_000;

/** Flags that every command takes (spec 3 §6.2). */
export const globalFlags = {
  help: booleanFlag("help", { help: "Show help for this command" }),
  helpLong: booleanFlag("help-long", { help: "Show help", hidden: true }),
  helpFull: booleanFlag("help-full", { help: "Show help with everything that is hidden" }),
  version: booleanFlag("version", { help: "Show the version" }),
  configFile: textFlag("config-file", {
    help: "Connection file: a path, or a name in the configuration directory",
    env: "KOPIA_CONFIG_PATH",
    default: "repository.config",
  }),
  password: textFlag("password", {
    short: "p",
    help: "Password of the repository",
    env: "KOPIA_PASSWORD",
  }),
  persistCredentials: booleanFlag("persist-credentials", {
    help: "Keep the password beside the connection file",
    env: "KOPIA_PERSIST_CREDENTIALS_ON_CONNECT",
    default: true,
  }),
  useKeyring: booleanFlag("use-keyring", {
    help: "Accepted, without effect: there is no keyring",
    env: "KOPIA_USE_KEYRING",
    hidden: true,
  }),
  progress: optionalBooleanFlag("progress", { help: "Show progress on a terminal" }),
  progressUpdateInterval: durationFlag("progress-update-interval", {
    help: "How often progress is shown",
    default: "300ms",
    hidden: true,
  }),
  progressEstimationType: choiceFlag("progress-estimation-type", {
    help: "How progress learns the total: by a walk of the source, by what its volume holds, or by one of both",
    choices: ["classic", "rough", "adaptive"],
    default: "classic",
    hidden: true,
  }),
  adaptiveEstimationThreshold: countFlag("adaptive-estimation-threshold", {
    help: "Files on a volume from which adaptive estimates take what it holds",
    default: 300_000,
    hidden: true,
  }),
  logLevel: choiceFlag("log-level", {
    help: "Least important messages that are shown",
    choices: LOG_LEVELS,
    default: "info",
  }),
  timezone: textFlag("timezone", {
    help: "Time zone of times in text output: local, utc, original or a name",
    default: "local",
    hidden: true,
  }),
  autoMaintenance: booleanFlag("auto-maintenance", {
    help: "Maintain after commands that change snapshots, when it is due",
    default: true,
    hidden: true,
  }),
  ...logFlags(),
  ...consoleFlags(),
  ...observabilityFlags(),
  ...acceptedFlags(),
  dangerousCommands: textFlag("dangerous-commands", {
    help: "Must be `enabled` for commands that can lose data",
    env: "KOPIA_DANGEROUS_COMMANDS",
    hidden: true,
  }),
  upgradeOwnerId: textFlag("upgrade-owner-id", {
    help: "Name under which this program upgrades a repository",
    env: "KOPIA_REPO_UPGRADE_OWNER_ID",
    hidden: true,
  }),
  upgradeNoBlock: booleanFlag("upgrade-no-block", {
    help: "Do not wait for a format upgrade of somebody else",
    env: "KOPIA_REPO_UPGRADE_NO_BLOCK",
    hidden: true,
  }),
};

/** Values of the global flags. */
export type GlobalOptions = FlagValues<typeof globalFlags>;

function logFlags() {
  return {
    logFile: textFlag("log-file", { help: "Write the log to this file" }),
    disableFileLogging: booleanFlag("disable-file-logging", { help: "Write no log files" }),
    disableContentLog: booleanFlag("disable-content-log", { help: "Write no content log files" }),
    logDir: textFlag("log-dir", { help: "Directory of log files", env: "KOPIA_LOG_DIR" }),
    fileLogLevel: choiceFlag("file-log-level", {
      help: "Least important messages in log files",
      choices: LOG_LEVELS,
      default: "debug",
    }),
    ...retentionFlags("log-dir", { env: "KOPIA_LOG_DIR", maxFiles: 1000 }),
    ...contentRetentionFlags(),
    maxLogFileSegmentSize: integerFlag("max-log-file-segment-size", {
      help: "Size in bytes at which a log file is continued in another one",
      env: "KOPIA_LOG_FILE_MAX_SEGMENT_SIZE",
      default: DEFAULT_SEGMENT_BYTES,
      hidden: true,
    }),
    waitForLogSweep: booleanFlag("wait-for-log-sweep", {
      help: "Remove old log files before ending",
      default: true,
      hidden: true,
    }),
    fileLogLocalTz: booleanFlag("file-log-local-tz", {
      help: "Local times in log files",
      env: "KOPIA_FILE_LOG_LOCAL_TZ",
      hidden: true,
    }),
    jsonLogFile: booleanFlag("json-log-file", { help: "Log files as JSON", hidden: true }),
    disableRepositoryLog: booleanFlag("disable-repository-log", {
      help: "Keep no log in the repository",
      env: "KOPIA_DISABLE_REPOSITORY_LOG",
      hidden: true,
    }),
  };
}

function retentionFlags(
  prefix: string,
  { env, maxFiles }: { readonly env: string; readonly maxFiles: number },
) {
  return {
    logDirMaxFiles: countFlag(`${prefix}-max-files`, {
      help: "Log files that are kept",
      env: `${env}_MAX_FILES`,
      default: maxFiles,
      hidden: true,
    }),
    logDirMaxAge: durationFlag(`${prefix}-max-age`, {
      help: "How long log files are kept",
      env: `${env}_MAX_AGE`,
      default: "720h",
      hidden: true,
    }),
    logDirMaxTotalSizeMb: floatFlag(`${prefix}-max-total-size-mb`, {
      help: "Size in MB of all log files that are kept",
      env: `${env}_MAX_SIZE_MB`,
      default: 1000,
      hidden: true,
    }),
  };
}

function contentRetentionFlags() {
  const flags = retentionFlags("content-log-dir", {
    env: "KOPIA_CONTENT_LOG_DIR",
    maxFiles: 5000,
  });
  return {
    contentLogDirMaxFiles: flags.logDirMaxFiles,
    contentLogDirMaxAge: flags.logDirMaxAge,
    contentLogDirMaxTotalSizeMb: flags.logDirMaxTotalSizeMb,
  };
}

function consoleFlags() {
  return {
    jsonLogConsole: booleanFlag("json-log-console", { help: "Messages as JSON", hidden: true }),
    consoleTimestamps: booleanFlag("console-timestamps", {
      help: "Times before messages",
      env: "KOPIA_CONSOLE_TIMESTAMPS",
      hidden: true,
    }),
    forceColor: booleanFlag("force-color", {
      help: "Colours also where there is no terminal",
      env: "KOPIA_FORCE_COLOR",
      hidden: true,
    }),
    disableColor: booleanFlag("disable-color", {
      help: "No colours",
      env: "KOPIA_DISABLE_COLOR",
      hidden: true,
    }),
    traceStorage: booleanFlag("trace-storage", {
      help: "Tell storage operations in the log, at level debug",
      default: true,
      hidden: true,
    }),
  };
}

function observabilityFlags() {
  return {
    metricsListenAddr: textFlag("metrics-listen-addr", {
      help: "Serve metrics at this host:port",
      hidden: true,
    }),
    metricsPushAddr: textFlag("metrics-push-addr", {
      help: "Push metrics to this URL",
      env: "KOPIA_METRICS_PUSH_ADDR",
      hidden: true,
    }),
    metricsPushInterval: durationFlag("metrics-push-interval", {
      help: "How often metrics are pushed",
      env: "KOPIA_METRICS_PUSH_INTERVAL",
      default: "5s",
      hidden: true,
    }),
    metricsPushJob: textFlag("metrics-push-job", {
      help: "Job of pushed metrics",
      env: "KOPIA_METRICS_JOB",
      default: "kopia",
      hidden: true,
    }),
    metricsPushGrouping: listFlag("metrics-push-grouping", {
      help: "name:value by which pushed metrics are grouped",
      env: "KOPIA_METRICS_PUSH_GROUPING",
      hidden: true,
    }),
    metricsPushUsername: textFlag("metrics-push-username", {
      help: "User of the push gateway",
      env: "KOPIA_METRICS_PUSH_USERNAME",
      hidden: true,
    }),
    metricsPushPassword: textFlag("metrics-push-password", {
      help: "Password of the push gateway",
      env: "KOPIA_METRICS_PUSH_PASSWORD",
      hidden: true,
    }),
    metricsPushFormat: choiceFlag("metrics-push-format", {
      help: "Format of pushed metrics",
      env: "KOPIA_METRICS_FORMAT",
      choices: ["open-metrics", "open-metrics-0.0.1", "text"],
      default: "text",
      hidden: true,
    }),
    metricsStoreOnExit: booleanFlag("metrics-store-on-exit", {
      help: "Store metrics at the end",
      hidden: true,
    }),
    diagnosticsOutputDirectory: textFlag("diagnostics-output-directory", {
      help: "Directory of stored metrics and profiles",
      hidden: true,
    }),
    profileCpu: booleanFlag("profile-cpu", { help: "Take a CPU profile", hidden: true }),
    profileStoreOnExit: booleanFlag("profile-store-on-exit", {
      help: "Store profiles at the end",
      hidden: true,
    }),
    enablePprof: booleanFlag("enable-pprof", {
      help: "Serve profiles beside the metrics, for Chrome's tools: /debug/pprof/profile?seconds=5, /debug/pprof/heap",
      hidden: true,
    }),
    otlpTrace: booleanFlag("otlp-trace", {
      help: "Send traces: nothing here speaks OpenTelemetry; metrics, --trace-storage and --profile-cpu tell where time goes",
      hidden: true,
      unavailable: true,
    }),
  };
}

/** Flags about what this program does not do: nothing is lost by not doing it. */
function acceptedFlags() {
  const help = "Accepted, without effect";
  const text = (name: string, env?: string) =>
    textFlag(name, { help, hidden: true, ...(env === undefined ? {} : { env }) });
  return {
    errorNotifications: choiceFlag("error-notifications", {
      help: "Accepted, without effect: there are no notifications yet",
      choices: ["always", "never", "non-interactive"],
      env: "KOPIA_SEND_ERROR_NOTIFICATIONS",
      default: "non-interactive",
      hidden: true,
    }),
    initialUpdateCheckDelay: text("initial-update-check-delay", "KOPIA_INITIAL_UPDATE_CHECK_DELAY"),
    updateCheckInterval: text("update-check-interval", "KOPIA_UPDATE_CHECK_INTERVAL"),
    updateNotifyInterval: text("update-available-notify-interval", "KOPIA_UPDATE_NOTIFY_INTERVAL"),
    profileBlockingRate: text("profile-blocking-rate"),
    profileMemoryRate: text("profile-memory-rate"),
    profileMutexFraction: text("profile-mutex-fraction"),
    trackReleasable: listFlag("track-releasable", {
      help,
      env: "KOPIA_TRACK_RELEASABLE",
      hidden: true,
    }),
    dumpAllocatorStats: booleanFlag("dump-allocator-stats", {
      help,
      env: "KOPIA_DUMP_ALLOCATOR_STATS",
      hidden: true,
    }),
  };
}
