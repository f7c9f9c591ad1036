import { KopiaError, parseGoDuration } from "@kopia-engine/kopia-format";

/** What additional arguments ask of a backup. */
export interface BackupArguments {
  readonly tags: Readonly<Record<string, string>>;
  readonly description: string;
  readonly pins: readonly string[];
  readonly parallel?: number;
  readonly failFast: boolean;
  readonly forceHashPercent?: number;
  readonly uploadLimitBytes?: number;
  readonly checkpointIntervalMs?: number;
  /** For the source's policy: the original's own examples are flags of `policy set` (spec 4 §2.5). */
  readonly oneFileSystem?: boolean;
  readonly ignoreCacheDirs?: boolean;
}

/** What additional arguments ask of a restore. */
export interface RestoreArguments {
  readonly skipExisting: boolean;
  readonly skipOwners: boolean;
  readonly skipPermissions: boolean;
  readonly skipTimes: boolean;
  readonly ignoreErrors: boolean;
  readonly ignorePermissionErrors: boolean;
  readonly overwriteFiles: boolean;
  readonly overwriteDirectories: boolean;
  readonly overwriteSymlinks: boolean;
  readonly deleteExtra: boolean;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const BYTES_PER_MB = 2 ** 20;

/** Flags that are accepted and change nothing: the mover does it already, or has no such output. */
const WITHOUT_EFFECT = new Set(["log-level", "progress", "no-progress", "json"]);

/**
 * Reads arguments for `snapshot create`.
 * @throws KopiaError `MOVER_ENVIRONMENT` naming the flag that a backup does not know, or its value.
 */
export function readBackupArguments(words: readonly string[]): BackupArguments {
  const tags: Record<string, string> = {};
  const pins: string[] = [];
  const result: Mutable<BackupArguments> = { tags, pins, description: "", failFast: false };
  const setters: Readonly<Record<string, (value: Value) => void>> = {
    tags: (value) => {
      const [, key, text] = /^([^:]+):(.*)$/s.exec(value.text()) ?? [];
      if (key === undefined) throw value.invalid("key:value");
      tags[`tag:${key}`] = text ?? "";
    },
    description: (value) => (result.description = value.text()),
    pin: (value) => void pins.push(value.text()),
    parallel: (value) => (result.parallel = value.number()),
    "fail-fast": (value) => (result.failFast = value.boolean()),
    "force-hash": (value) => (result.forceHashPercent = value.number()),
    "upload-limit-mb": (value) => (result.uploadLimitBytes = value.number() * BYTES_PER_MB),
    "checkpoint-interval": (value) => (result.checkpointIntervalMs = value.durationMs()),
    "one-file-system": (value) => (result.oneFileSystem = value.boolean()),
    "ignore-cache-dirs": (value) => (result.ignoreCacheDirs = value.boolean()),
    "ignore-permission-errors": (value) => void value.boolean(),
  };
  apply(words, setters, "a backup");
  return result;
}

/**
 * Reads arguments for `snapshot restore`.
 * @throws KopiaError `MOVER_ENVIRONMENT` naming the flag that a restore does not know, or its value.
 */
export function readRestoreArguments(words: readonly string[]): RestoreArguments {
  const result: Mutable<RestoreArguments> = {
    skipExisting: false,
    skipOwners: false,
    skipPermissions: false,
    skipTimes: false,
    ignoreErrors: false,
    ignorePermissionErrors: true,
    overwriteFiles: true,
    overwriteDirectories: true,
    overwriteSymlinks: true,
    deleteExtra: false,
  };
  const setters: Readonly<Record<string, (value: Value) => void>> = {
    "skip-existing": (value) => (result.skipExisting = value.boolean()),
    "skip-owners": (value) => (result.skipOwners = value.boolean()),
    "skip-permissions": (value) => (result.skipPermissions = value.boolean()),
    "skip-times": (value) => (result.skipTimes = value.boolean()),
    "ignore-errors": (value) => (result.ignoreErrors = value.boolean()),
    "ignore-permission-errors": (value) => (result.ignorePermissionErrors = value.boolean()),
    "overwrite-files": (value) => (result.overwriteFiles = value.boolean()),
    "overwrite-directories": (value) => (result.overwriteDirectories = value.boolean()),
    "overwrite-symlinks": (value) => (result.overwriteSymlinks = value.boolean()),
    "delete-extra": (value) => (result.deleteExtra = value.boolean()),
    "write-files-atomically": (value) => void value.boolean(),
    parallel: (value) => void value.number(),
  };
  apply(words, setters, "a restore");
  return result;
}

function apply(
  words: readonly string[],
  setters: Readonly<Record<string, (value: Value) => void>>,
  command: string,
): void {
  for (const word of words) {
    const [, name = "", text] = /^--?([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    if (WITHOUT_EFFECT.has(name)) continue;
    const isNegated = name.startsWith("no-") && Object.hasOwn(setters, name.slice(3));
    const known = isNegated ? name.slice(3) : name;
    if (!Object.hasOwn(setters, known))
      throw new KopiaError(
        "MOVER_ENVIRONMENT",
        `KOPIA_ADDITIONAL_ARGS: --${name} is not a flag of ${command} that this mover knows (${Object.keys(setters).join(", ")})`,
        { details: { argument: name } },
      );
    setters[known]?.(new Value(known, isNegated ? "false" : text));
  }
}

/** The value of one flag. */
class Value {
  readonly #name: string;
  readonly #text: string | undefined;

  constructor(name: string, text: string | undefined) {
    this.#name = name;
    this.#text = text;
  }

  text(): string {
    if (this.#text === undefined) throw this.invalid("given as --flag=value");
    return this.#text;
  }

  number(): number {
    if (!/^\d{1,12}$/.test(this.text())) throw this.invalid("a whole number");
    return Number(this.text());
  }

  boolean(): boolean {
    if (this.#text === undefined || this.#text === "true") return true;
    if (this.#text === "false") return false;
    throw this.invalid("true or false");
  }

  durationMs(): number {
    const durationNs = parseGoDuration(this.text());
    if (durationNs === undefined) throw this.invalid("a duration such as 45m");
    return Number(durationNs) / 1e6;
  }

  invalid(expected: string): KopiaError {
    return new KopiaError(
      "MOVER_ENVIRONMENT",
      `KOPIA_ADDITIONAL_ARGS: --${this.#name} must be ${expected}`,
      { details: { argument: this.#name } },
    );
  }
}
