import {
  booleanFlag,
  choiceFlag,
  durationFlag,
  textFlag,
  type FlagValues,
  optionalBooleanFlag,
} from "./parser/flag.ts";
import { LOG_LEVELS } from "./output/log.ts";

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
    help: "Accepted, without effect: this program does not yet maintain by itself",
    default: true,
    hidden: true,
  }),
  // This program writes no log files and no log blobs: what turns them on or off has no effect.
  logFile: textFlag("log-file", { help: "Accepted, without effect", hidden: true }),
  logDir: textFlag("log-dir", {
    help: "Accepted, without effect",
    env: "KOPIA_LOG_DIR",
    hidden: true,
  }),
  fileLogLevel: choiceFlag("file-log-level", {
    help: "Accepted, without effect",
    choices: LOG_LEVELS,
    default: "debug",
    hidden: true,
  }),
  disableFileLogging: booleanFlag("disable-file-logging", {
    help: "Accepted, without effect",
    hidden: true,
  }),
  disableContentLog: booleanFlag("disable-content-log", {
    help: "Accepted, without effect",
    hidden: true,
  }),
  disableRepositoryLog: booleanFlag("disable-repository-log", {
    help: "Accepted, without effect",
    env: "KOPIA_DISABLE_REPOSITORY_LOG",
    hidden: true,
  }),
  jsonLogConsole: booleanFlag("json-log-console", {
    help: "Messages as JSON",
    hidden: true,
    unavailable: true,
  }),
  jsonLogFile: booleanFlag("json-log-file", { help: "Accepted, without effect", hidden: true }),
  consoleTimestamps: booleanFlag("console-timestamps", {
    help: "Accepted, without effect",
    env: "KOPIA_CONSOLE_TIMESTAMPS",
    hidden: true,
  }),
  forceColor: booleanFlag("force-color", {
    help: "Accepted, without effect: output has no colours",
    env: "KOPIA_FORCE_COLOR",
    hidden: true,
  }),
  disableColor: booleanFlag("disable-color", {
    help: "Accepted, without effect: output has no colours",
    env: "KOPIA_DISABLE_COLOR",
    hidden: true,
  }),
  traceStorage: booleanFlag("trace-storage", {
    help: "Log storage operations",
    hidden: true,
    unavailable: true,
  }),
  dangerousCommands: textFlag("dangerous-commands", {
    help: "Must be `enabled` for commands that can lose data",
    env: "KOPIA_DANGEROUS_COMMANDS",
    hidden: true,
  }),
  errorNotifications: choiceFlag("error-notifications", {
    help: "Accepted, without effect: there are no notifications yet",
    choices: ["always", "never", "non-interactive"],
    env: "KOPIA_SEND_ERROR_NOTIFICATIONS",
    default: "non-interactive",
    hidden: true,
  }),
  metricsListenAddr: textFlag("metrics-listen-addr", {
    help: "Serve metrics",
    hidden: true,
    unavailable: true,
  }),
  metricsPushAddr: textFlag("metrics-push-addr", {
    help: "Push metrics",
    hidden: true,
    unavailable: true,
  }),
  enablePprof: booleanFlag("enable-pprof", {
    help: "Serve profiles",
    hidden: true,
    unavailable: true,
  }),
  otlpTrace: booleanFlag("otlp-trace", {
    help: "Send traces",
    hidden: true,
    unavailable: true,
  }),
};

/** Values of the global flags. */
export type GlobalOptions = FlagValues<typeof globalFlags>;
