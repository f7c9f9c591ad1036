import { KopiaError } from "@kopia-engine/kopia-format";
import { repositoryPathFromUrl } from "./repository-location.ts";

/** Variables of the Job's container. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the Job asks for. */
export type Direction = "backup" | "restore";

/** Retention counts as the Job gives them; an absent one is inherited (spec 4 §2.7). */
export interface RetentionCounts {
  readonly latest?: number;
  readonly hourly?: number;
  readonly daily?: number;
  readonly weekly?: number;
  readonly monthly?: number;
  readonly annual?: number;
}

/** Which snapshot a restore takes (spec 4 §2.8). */
export interface RestoreSelection {
  /** Only snapshots that started at or before this RFC 3339 time. */
  readonly asOf?: string;
  /** How many of the newest candidates to skip. */
  readonly previous: number;
  /** Whether to list the identities that exist when nothing is found. */
  readonly discover: boolean;
}

/** The Job's environment, checked and typed (spec 4 §1.7, filesystem part). */
export interface MoverEnvironment {
  readonly dataDirectory: string;
  readonly cacheDirectory: string;
  /** Never print it. */
  readonly password: string;
  readonly repositoryPath: string;
  readonly userName?: string;
  readonly hostname?: string;
  /** Path recorded in the snapshot; default: `dataDirectory` (backup), `/data` (restore into a volume). */
  readonly sourcePath: string;
  readonly compression?: string;
  readonly parallelism?: number;
  readonly retention: RetentionCounts;
  readonly restore: RestoreSelection;
  readonly metadataCacheLimitMb?: number;
  readonly contentCacheLimitMb?: number;
}

/** Variables whose meaning is not built yet: a Job that relies on one must not run without it. */
const NOT_YET = [
  "KOPIA_ADDITIONAL_ARGS",
  "KOPIA_AFTER_SNAPSHOT",
  "KOPIA_AZURE_CONTAINER",
  "KOPIA_B2_BUCKET",
  "KOPIA_BEFORE_SNAPSHOT",
  "KOPIA_ENABLE_FILE_DELETION",
  "KOPIA_GCS_BUCKET",
  "KOPIA_GLOBAL_POLICY_FILE",
  "KOPIA_MANUAL_CONFIG",
  "KOPIA_S3_BUCKET",
  "KOPIA_SHALLOW",
  "KOPIA_STRUCTURED_REPOSITORY_CONFIG",
  "RCLONE_REMOTE_PATH",
  "SFTP_HOST",
  "WEBDAV_URL",
] as const;

/**
 * Reads the Job's environment. Nothing is touched on disk.
 * @throws KopiaError `MOVER_ENVIRONMENT` naming the variable and what is wrong with it;
 * `NOT_IMPLEMENTED` for a variable that this mover cannot honour yet.
 */
export function readMoverEnvironment(env: Environment, direction: Direction): MoverEnvironment {
  for (const name of NOT_YET)
    if (isSet(env[name])) throw new KopiaError("NOT_IMPLEMENTED", `${name} is not supported yet`);
  const dataDirectory = required(env, "DATA_DIR");
  const sourcePath =
    optional(env, "KOPIA_SOURCE_PATH_OVERRIDE") ?? defaultSource(dataDirectory, direction);
  return {
    dataDirectory,
    cacheDirectory: optional(env, "KOPIA_CACHE_DIR") ?? "/cache",
    password: required(env, "KOPIA_PASSWORD"),
    repositoryPath: repositoryPathFromUrl(required(env, "KOPIA_REPOSITORY")),
    sourcePath,
    retention: readRetention(env),
    restore: {
      ...present("asOf", optional(env, "KOPIA_RESTORE_AS_OF")),
      previous: count(env, "KOPIA_PREVIOUS") ?? 0,
      discover: optional(env, "KOPIA_DISCOVER_SNAPSHOTS") === "true",
    },
    ...present("userName", optional(env, "KOPIA_OVERRIDE_USERNAME")),
    ...present("hostname", optional(env, "KOPIA_OVERRIDE_HOSTNAME")),
    ...present("compression", optional(env, "KOPIA_COMPRESSION")),
    ...present("parallelism", count(env, "KOPIA_PARALLELISM")),
    ...present("metadataCacheLimitMb", count(env, "KOPIA_METADATA_CACHE_SIZE_LIMIT_MB")),
    ...present("contentCacheLimitMb", count(env, "KOPIA_CONTENT_CACHE_SIZE_LIMIT_MB")),
  };
}

/** Snapshots of volumes are recorded under `/data`, wherever a restore mounts them (spec 4 §2.8 step 3). */
function defaultSource(dataDirectory: string, direction: Direction): string {
  return direction === "restore" && dataDirectory === "/restore/data" ? "/data" : dataDirectory;
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

function required(env: Environment, name: string): string {
  const value = optional(env, name);
  if (value === undefined) throw new KopiaError("MOVER_ENVIRONMENT", `${name} must be defined`);
  return value;
}

function optional(env: Environment, name: string): string | undefined {
  const value = env[name];
  return isSet(value) ? value : undefined;
}

function count(env: Environment, name: string): number | undefined {
  const value = optional(env, name);
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value))
    throw new KopiaError("MOVER_ENVIRONMENT", `${name} must be a whole number, not "${value}"`);
  return Number(value);
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}

/** An object with the key, or without it: optional properties here are absent, never `undefined`. */
function present<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]?: V });
}
