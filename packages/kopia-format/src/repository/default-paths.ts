import { createHash } from "node:crypto";
import { homedir, hostname, userInfo } from "node:os";
import { isAbsolute, join, resolve, sep } from "node:path";

/** The variables of the environment, passed in. */
export type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_CONFIG_NAME = "repository.config";
/** Hex digits of the hash that names a cache directory. */
const CACHE_NAME_LENGTH = 16;

/** Directory of connection files: `$XDG_CONFIG_HOME/kopia` or `$HOME/.config/kopia` (spec 3 §7.2). */
export function defaultConfigDirectory(env: Environment): string {
  if (process.platform === "win32" && env["APPDATA"]) return join(env["APPDATA"], "kopia");
  if (process.platform === "darwin") {
    return join(homeDirectory(env), "Library", "Application Support", "kopia");
  }
  return join(env["XDG_CONFIG_HOME"] || join(homeDirectory(env), ".config"), "kopia");
}

/**
 * Absolute path of the connection file: `configFile` when given, else `KOPIA_CONFIG_PATH`, else
 * `repository.config`. A bare name is resolved in the configuration directory (spec 3 §6.2).
 */
export function resolveConfigPath(env: Environment, configFile?: string): string {
  const name = configFile || env["KOPIA_CONFIG_PATH"] || DEFAULT_CONFIG_NAME;
  const isBareName = !isAbsolute(name) && !name.includes("/") && !name.includes(sep);
  return isBareName ? resolve(defaultConfigDirectory(env), name) : resolve(name);
}

/** Directory below which caches and logs lie: `$XDG_CACHE_HOME/kopia` or `$HOME/.cache/kopia`. */
export function userCacheDirectory(env: Environment): string {
  if (process.platform === "win32" && env["LOCALAPPDATA"])
    return join(env["LOCALAPPDATA"], "kopia");
  if (process.platform === "darwin") return join(homeDirectory(env), "Library", "Caches", "kopia");
  return join(env["XDG_CACHE_HOME"] || join(homeDirectory(env), ".cache"), "kopia");
}

/** Default cache directory of one repository and one connection file (spec 1 §10.3). */
export function defaultCacheDirectory(input: {
  readonly env: Environment;
  readonly uniqueId: Uint8Array;
  readonly configPath: string;
}): string {
  const hash = createHash("sha256").update(input.uniqueId).update(input.configPath).digest("hex");
  return join(userCacheDirectory(input.env), hash.slice(0, CACHE_NAME_LENGTH));
}

/** Name of this user and host as the original program forms them: host up to the first dot, lower case (spec 1 §10.1). */
export function defaultIdentity(env: Environment = {}): {
  readonly username: string;
  readonly hostname: string;
} {
  const shortName = hostname().split(".", 1)[0] ?? "";
  return {
    username: userName(env),
    hostname: shortName === "" ? "nohost" : shortName.toLowerCase(),
  };
}

function userName(env: Environment): string {
  try {
    const { username } = userInfo();
    // Windows: without the domain.
    return username.slice(username.lastIndexOf("\\") + 1);
  } catch {
    // A container's user ID without an entry in the user database.
    return env["USER"] || "nobody";
  }
}

function homeDirectory(env: Environment): string {
  return env["HOME"] || homedir();
}
