import type { Environment } from "../environment/environment.ts";
import type { MoverLog } from "./mover-log.ts";

/** Shown with their value: they say what the Job does and hold no secret. */
const SHOWN = [
  "DATA_DIR",
  "DIRECTION",
  "KOPIA_CACHE_CAPACITY_BYTES",
  "KOPIA_CACHE_DIR",
  "KOPIA_COMPRESSION",
  "KOPIA_CONTENT_CACHE_SIZE_LIMIT_MB",
  "KOPIA_METADATA_CACHE_SIZE_LIMIT_MB",
  "KOPIA_OVERRIDE_HOSTNAME",
  "KOPIA_OVERRIDE_USERNAME",
  "KOPIA_PARALLELISM",
  "KOPIA_PREVIOUS",
  "KOPIA_RESTORE_AS_OF",
  "KOPIA_SHALLOW",
  "KOPIA_SHRINK_GUARD",
  "KOPIA_SOURCE_PATH_OVERRIDE",
];
/** Everything else that belongs to the contract: only whether it is set. */
const SECRET_NAMES = /^(KOPIA_|AWS_|AZURE_|B2_|GOOGLE_|GCS_|SFTP_|WEBDAV_|RCLONE_)/;
/** Variables whose values are secrets, for redaction (spec 4 §1.7). */
const SECRET_VALUES =
  /(PASSWORD|SECRET|TOKEN|ACCESS_KEY|ACCOUNT_KEY|STORAGE_KEY|APPLICATION_KEY|_SAS|CREDENTIALS)/;

/** Prints which variables the Job has, secrets only as set or not set (spec 4 §2.1 step 7). */
export function printEnvironment(env: Environment, log: MoverLog): void {
  log.plain("=== DEBUG: Environment Setup ===");
  log.plain("=== ENVIRONMENT VARIABLES STATUS ===");
  for (const name of SHOWN) log.plain(`${name}: ${env[name] ?? "[NOT SET]"}`);
  log.plain(`KOPIA_REPOSITORY: ${status(env["KOPIA_REPOSITORY"])}`);
  log.plain(`KOPIA_PASSWORD: ${status(env["KOPIA_PASSWORD"])}`);
  const others = Object.keys(env).filter(
    (name) =>
      SECRET_NAMES.test(name) &&
      !SHOWN.includes(name) &&
      !["KOPIA_REPOSITORY", "KOPIA_PASSWORD"].includes(name),
  );
  for (const name of others.sort()) log.plain(`${name}: ${status(env[name])}`);
  log.plain("=== END DEBUG ===");
}

/** Values of the environment that must never be printed. */
export function secretsOf(env: Environment): string[] {
  return Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && SECRET_VALUES.test(name) && !value.startsWith("/") ? [value] : [],
  );
}

function status(value: string | undefined): string {
  return value === undefined || value === "" ? "[NOT SET]" : "[SET]";
}
