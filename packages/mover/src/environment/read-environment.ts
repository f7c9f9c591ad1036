import { KopiaError, isKopiaError } from "@kopia-engine/kopia-format";
import { splitAdditionalArguments } from "./additional-arguments.ts";
import type {
  CacheLimits,
  Direction,
  Environment,
  MoverEnvironment,
  RestoreSelection,
  RetentionCounts,
  ShrinkGuardSettings,
} from "./environment.ts";
import { type ManualConfig, readManualConfig, readStructuredPath } from "./manual-config.ts";
import { repositoryPathFromUrl } from "./repository-location.ts";
import {
  count,
  durationMs,
  flag,
  invalid,
  isSet,
  optional,
  present,
  required,
} from "./variables.ts";

/** Storages of the original that are not a directory: a Job that names one must not run against another. */
const OTHER_STORAGES = [
  "KOPIA_S3_BUCKET",
  "KOPIA_AZURE_CONTAINER",
  "KOPIA_GCS_BUCKET",
  "KOPIA_B2_BUCKET",
  "WEBDAV_URL",
  "SFTP_HOST",
  "RCLONE_REMOTE_PATH",
  "GOOGLE_DRIVE_FOLDER_ID",
] as const;

/** Directions that read or write a volume. */
const WITH_DATA: ReadonlySet<Direction> = new Set<Direction>(["backup", "restore"]);
const DEFAULT_GUARD_EXIT_CODE = 3;
const BYTES_PER_MB = 2 ** 20;

/**
 * Reads the Job's environment. Nothing is touched on disk.
 * @throws KopiaError `MOVER_ENVIRONMENT` naming the variable and what is wrong with it;
 * `NOT_IMPLEMENTED` for a storage that this mover does not have.
 */
export function readMoverEnvironment(env: Environment, direction: Direction): MoverEnvironment {
  const password = required(env, "KOPIA_PASSWORD");
  const dataDirectory = WITH_DATA.has(direction)
    ? required(env, "DATA_DIR")
    : (env["DATA_DIR"] ?? "");
  const manual = manualConfig(env);
  const compression = optional(env, "KOPIA_COMPRESSION") ?? manual.compression;
  return {
    dataDirectory,
    cacheDirectory: optional(env, "KOPIA_CACHE_DIR") ?? "/cache",
    password,
    repositoryPath: repositoryPath(env),
    sourcePath:
      optional(env, "KOPIA_SOURCE_PATH_OVERRIDE") ?? defaultSource(dataDirectory, direction),
    retention: readRetention(env),
    strictRetention: flag(env, "KOPIA_RETAIN_STRICT"),
    restore: readSelection(env),
    actions: {
      ...present("beforeSnapshot", optional(env, "KOPIA_BEFORE_SNAPSHOT")),
      ...present("afterSnapshot", optional(env, "KOPIA_AFTER_SNAPSHOT")),
    },
    shrinkGuard: readShrinkGuard(env),
    newRepository: {
      ...present("encryption", manual.encryption),
      ...present("splitter", manual.splitter),
    },
    cache: readCacheLimits(env, manual),
    time: {
      ...present("overallMs", durationMs(env, "KOPIA_TIMEOUT")),
      ...present("idleMs", durationMs(env, "KOPIA_IDLE_TIMEOUT")),
    },
    additionalArguments: splitAdditionalArguments(env["KOPIA_ADDITIONAL_ARGS"] ?? ""),
    acceptsSourceErrors: flag(env, "KOPIA_ACCEPT_SOURCE_ERRORS"),
    requiresMount: flag(env, "KOPIA_REQUIRE_MOUNT"),
    allowsNewRepository: flag(env, "KOPIA_ALLOW_NEW_REPOSITORY"),
    ...identity(env, direction),
    ...present("compression", compression),
    ...present("parallelism", count(env, "KOPIA_PARALLELISM")),
    ...present("globalPolicyFile", optional(env, "KOPIA_GLOBAL_POLICY_FILE")),
  };
}

/** Broken JSON is no reason to fall back to other algorithms (spec 4 §2.4 step 2: exit 1). */
function manualConfig(env: Environment): ManualConfig {
  const text = optional(env, "KOPIA_MANUAL_CONFIG");
  if (text === undefined) return {};
  try {
    return readManualConfig(text);
  } catch (cause) {
    if (!isKopiaError(cause, "JSON_INVALID")) throw cause;
    throw new KopiaError("MOVER_ENVIRONMENT", cause.message, { cause });
  }
}

/** The first that is given wins; a Job that names another storage is refused (spec 4 §2.4.1). */
function repositoryPath(env: Environment): string {
  const structured = optional(env, "KOPIA_STRUCTURED_REPOSITORY_CONFIG");
  if (structured !== undefined) return repositoryPathFromUrl(readStructuredPath(structured));
  const other = OTHER_STORAGES.find((name) => isSet(env[name]));
  const url = optional(env, "KOPIA_REPOSITORY");
  if (other !== undefined && !(url?.startsWith("filesystem://") ?? false))
    throw new KopiaError(
      "NOT_IMPLEMENTED",
      `${other} names a storage that this mover does not have; only a directory is supported: KOPIA_REPOSITORY=filesystem:///path`,
    );
  if (url === undefined)
    throw new KopiaError(
      "MOVER_ENVIRONMENT",
      "No repository configuration found: KOPIA_REPOSITORY must be defined",
    );
  return repositoryPathFromUrl(url);
}

/** Maintenance acts for the repository, not for a volume (spec 4 §2.4.3). */
function identity(
  env: Environment,
  direction: Direction,
): Pick<MoverEnvironment, "userName" | "hostname"> {
  if (direction === "maintenance") {
    const name = optional(env, "KOPIA_OVERRIDE_MAINTENANCE_USERNAME") ?? "maintenance";
    const [userName = name, ...host] = name.split("@");
    return { userName, hostname: host.length === 0 ? "volsync" : host.join("@") };
  }
  return {
    ...present("userName", optional(env, "KOPIA_OVERRIDE_USERNAME")),
    ...present("hostname", optional(env, "KOPIA_OVERRIDE_HOSTNAME")),
  };
}

/** Snapshots of volumes are recorded under `/data`, wherever a restore mounts them (spec 4 §2.8 step 3). */
function defaultSource(dataDirectory: string, direction: Direction): string {
  const isMount = direction === "restore" && dataDirectory === "/restore/data";
  return isMount || dataDirectory === "" ? "/data" : dataDirectory;
}

function readSelection(env: Environment): RestoreSelection {
  return {
    ...present("asOf", optional(env, "KOPIA_RESTORE_AS_OF")),
    ...present("shallow", count(env, "KOPIA_SHALLOW")),
    ...present("snapshotId", optional(env, "KOPIA_RESTORE_SNAPSHOT_ID")),
    previous: count(env, "KOPIA_PREVIOUS") ?? 0,
    discover: flag(env, "KOPIA_DISCOVER_SNAPSHOTS"),
    required: flag(env, "KOPIA_RESTORE_REQUIRED"),
    deleteExtra: flag(env, "KOPIA_ENABLE_FILE_DELETION"),
    allowGuarded: flag(env, "KOPIA_RESTORE_GUARDED"),
  };
}

function readRetention(env: Environment): RetentionCounts {
  return {
    ...present("latest", count(env, "KOPIA_RETAIN_LATEST")),
    ...present("hourly", count(env, "KOPIA_RETAIN_HOURLY")),
    ...present("daily", count(env, "KOPIA_RETAIN_DAILY")),
    ...present("weekly", count(env, "KOPIA_RETAIN_WEEKLY")),
    ...present("monthly", count(env, "KOPIA_RETAIN_MONTHLY")),
    ...present("annual", count(env, "KOPIA_RETAIN_YEARLY")),
  };
}

/** `off`, `empty` (default), or the percentage of files that may be missing. */
function readShrinkGuard(env: Environment): ShrinkGuardSettings {
  const word = optional(env, "KOPIA_SHRINK_GUARD") ?? "empty";
  const exitCode = count(env, "KOPIA_SHRINK_GUARD_EXIT_CODE") ?? DEFAULT_GUARD_EXIT_CODE;
  if (exitCode > 125) throw invalid("KOPIA_SHRINK_GUARD_EXIT_CODE", String(exitCode), "0 to 125");
  const rest = { accept: flag(env, "KOPIA_SHRINK_GUARD_ACCEPT"), exitCode };
  if (word === "off") return rest;
  if (word === "empty") return { ...rest, maxLossPercent: 100 };
  const percent = /^(\d{1,2})%?$/.exec(word)?.[1];
  if (percent === undefined)
    throw invalid("KOPIA_SHRINK_GUARD", word, '"off", "empty" or a percentage from 0 to 99');
  return { ...rest, maxLossPercent: Number(percent) };
}

function readCacheLimits(env: Environment, manual: ManualConfig): CacheLimits {
  const fromManual =
    manual.cacheLimitBytes === undefined
      ? undefined
      : Math.ceil(manual.cacheLimitBytes / BYTES_PER_MB);
  return {
    rebuild: flag(env, "KOPIA_FORCE_CACHE_REBUILD"),
    ...present("capacityBytes", count(env, "KOPIA_CACHE_CAPACITY_BYTES")),
    ...present("metadataMb", count(env, "KOPIA_METADATA_CACHE_SIZE_LIMIT_MB")),
    ...present("contentMb", count(env, "KOPIA_CONTENT_CACHE_SIZE_LIMIT_MB") ?? fromManual),
  };
}
