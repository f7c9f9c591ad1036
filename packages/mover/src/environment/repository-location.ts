import { KopiaError } from "@kopia-engine/kopia-format";

const SCHEME = "filesystem://";

/**
 * The directory that a `KOPIA_REPOSITORY` names: `filesystem:///mnt/repo`, or a plain absolute path
 * (spec 4 §2.4.1).
 * @throws KopiaError `MOVER_ENVIRONMENT` for relative paths and paths with `..`;
 * `NOT_IMPLEMENTED` for other kinds of storage.
 */
export function repositoryPathFromUrl(url: string): string {
  const scheme = /^[a-z][a-z0-9+.-]*:/i.exec(url)?.[0];
  if (scheme !== undefined && !url.startsWith(SCHEME))
    throw new KopiaError(
      "NOT_IMPLEMENTED",
      `KOPIA_REPOSITORY "${scheme}…": only ${SCHEME}/path is supported yet`,
    );
  const path = scheme === undefined ? url : url.slice(SCHEME.length);
  if (!path.startsWith("/"))
    throw new KopiaError(
      "MOVER_ENVIRONMENT",
      `KOPIA_REPOSITORY "${url}" must be absolute, with three slashes: ${SCHEME}/path`,
    );
  if (path.split("/").includes(".."))
    throw new KopiaError("MOVER_ENVIRONMENT", `KOPIA_REPOSITORY "${url}" must not contain ".."`);
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "")
    throw new KopiaError("MOVER_ENVIRONMENT", "KOPIA_REPOSITORY must not be the root directory");
  return trimmed;
}
