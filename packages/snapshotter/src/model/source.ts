import { KopiaError } from "@kopia-engine/kopia-format";
import { cleanPath } from "./clean-path.ts";

/** Identity of what is backed up, printed `user@host:path` (spec 2 §5.5). Also a policy target when parts are empty. */
export interface Source {
  readonly userName: string;
  readonly host: string;
  readonly path: string;
}

/** What a source string is read against: the client's own identity and working directory. */
export interface SourceContext {
  readonly userName: string;
  readonly host: string;
  /** Absolute directory that relative paths start from. */
  readonly workingDirectory: string;
}

/** The target of the global policy. */
export const GLOBAL_TARGET: Source = Object.freeze({ userName: "", host: "", path: "" });

/** Prints a source: `user@host:path`, `user@host` without path, `(global)` when all parts are empty. */
export function formatSource(source: Source): string {
  if (source.userName === "" && source.host === "" && source.path === "") return "(global)";
  const owner = `${source.userName}@${source.host}`;
  return source.path === "" ? owner : `${owner}:${source.path}`;
}

/**
 * Reads a source string (spec 2 §5.5). `user@host:path` is taken literally, `user@host` and `@host`
 * have no path, everything else (also `@host:/p`) is a local path of the client.
 * @throws KopiaError `SOURCE_INVALID` for an empty host (`user@`).
 */
export function parseSource(text: string, context: SourceContext): Source {
  if (text === "(global)") return GLOBAL_TARGET;
  const at = text.indexOf("@");
  const colon = text.indexOf(":");
  if (at > 0 && at < colon) {
    return {
      userName: text.slice(0, at),
      host: text.slice(at + 1, colon),
      path: text.slice(colon + 1),
    };
  }
  if (at >= 0 && colon < 0) {
    if (at === text.length - 1) {
      throw new KopiaError("SOURCE_INVALID", `source "${text}" has no host after the @`, {
        details: { source: text },
      });
    }
    return { userName: text.slice(0, at), host: text.slice(at + 1), path: "" };
  }
  const absolute = text.startsWith("/") ? text : `${context.workingDirectory}/${text}`;
  return { userName: context.userName, host: context.host, path: cleanPath(absolute) };
}

/** Whether two sources are the same triple. */
export function sourcesEqual(a: Source, b: Source): boolean {
  return a.path === b.path && a.userName === b.userName && a.host === b.host;
}

/**
 * Refuses a source under which nothing may be uploaded: host, user and path must be non-empty, and the path
 * must be usable as a policy target, since the policy of an override source is set after the upload and
 * would fail then (spec 2 §9.2).
 * @throws KopiaError `SOURCE_INVALID`.
 */
export function validateUploadSource(source: Source): void {
  validateSnapshotSource(source);
  if (!hasTrailingSeparator(source.path)) return;
  throw invalidSource(source, "has a path that ends with a slash or a backslash");
}

/**
 * Refuses a source under which no manifest may be saved: host, user and path must be non-empty (spec 2 §5.5).
 * @throws KopiaError `SOURCE_INVALID`.
 */
export function validateSnapshotSource(source: Source): void {
  if (source.host === "") throw invalidSource(source, "has no host");
  if (source.userName === "") throw invalidSource(source, "has no user");
  if (source.path === "") throw invalidSource(source, "has no path");
}

/** Whether a path ends in `/` or `\` without being a root (`/`, `X:\`, `X:/`): not usable as a policy target. */
export function hasTrailingSeparator(path: string): boolean {
  if (path === "/" || /^[A-Za-z]:[\\/]$/.test(path)) return false;
  return path.endsWith("/") || path.endsWith("\\");
}

function invalidSource(source: Source, problem: string): KopiaError {
  return new KopiaError("SOURCE_INVALID", `source ${formatSource(source)} ${problem}`, {
    details: { source: formatSource(source) },
  });
}
