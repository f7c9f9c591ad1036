import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  KopiaError,
  describeDirectory,
  isConnected,
  isKopiaError,
  readConnection,
} from "@kopia-engine/kopia-format";
import type { MoverEnvironment } from "../environment/environment.ts";

/** Where clusters mount the repository (spec 4 §1.12, §2.4.1). */
const USUAL_PLACES = ["/repository", "/repository/repository", "/kopia", "/kopia/repository"];

/**
 * Why there is no repository at a path: `vacant` when one may be made there.
 * @param cause what opening it gave.
 * @throws KopiaError `STORAGE_UNAVAILABLE` (nothing is mounted there), `REPOSITORY_FOREIGN_DATA`,
 * `REPOSITORY_NESTED`, `REPOSITORY_NOT_FOUND` naming what is there and where a repository is (spec 4 §5.9).
 */
export function explainMissing(path: string, cause: unknown): "vacant" {
  const around = dirname(path);
  if (!existsSync(around))
    throw new KopiaError(
      "STORAGE_UNAVAILABLE",
      `${around} does not exist: the repository's volume is not mounted.${elsewhere(path)}`,
      { details: { path: around }, cause },
    );
  const found = describeDirectory(path);
  switch (found.kind) {
    case "missing":
    case "empty":
      return "vacant";
    case "insideRepository":
    case "aroundRepository":
      throw new KopiaError(
        "REPOSITORY_NESTED",
        `${path} is no repository, but ${found.repositoryPath} is one; set KOPIA_REPOSITORY=filesystem://${found.repositoryPath}`,
        { details: { path, repositoryPath: found.repositoryPath }, cause },
      );
    case "foreign":
    case "blobs":
      throw new KopiaError(
        "REPOSITORY_FOREIGN_DATA",
        `${path} holds no kopia.repository but other data (${found.examples.join(", ")}); nothing was created.${elsewhere(path)}`,
        { details: { path }, cause },
      );
    case "notDirectory":
    case "repository":
      throw new KopiaError("REPOSITORY_NOT_FOUND", `${path} cannot be used as a repository`, {
        details: { path },
        cause,
      });
  }
}

/**
 * Whether a new repository may be made here although nothing is at the path: not where an earlier run of this
 * Job used one (its mount is missing, or somebody removed it; spec 4 §0.4 item 3), and not on the
 * container's own root when the image asks for a mounted volume.
 * @throws KopiaError `REPOSITORY_NOT_FOUND`, `STORAGE_UNAVAILABLE`.
 */
export async function assertMayCreate(job: MoverEnvironment): Promise<void> {
  const { repositoryPath } = job;
  if (!job.allowsNewRepository && (await rememberedPath(job)) === repositoryPath)
    throw new KopiaError(
      "REPOSITORY_NOT_FOUND",
      `there is no repository at ${repositoryPath}, but the cache shows that an earlier run used one there: ` +
        `its volume is not mounted, or the repository is gone.${elsewhere(repositoryPath)} No new one was created; ` +
        `set KOPIA_ALLOW_NEW_REPOSITORY=true if a new one is wanted`,
      { details: { path: repositoryPath } },
    );
  if (job.requiresMount && !isBelowMount(repositoryPath))
    throw new KopiaError(
      "STORAGE_UNAVAILABLE",
      `${repositoryPath} is not on a mounted volume: nothing is mounted at it or above it.${elsewhere(repositoryPath)}`,
      { details: { path: repositoryPath } },
    );
}

async function rememberedPath(job: MoverEnvironment): Promise<string | undefined> {
  const file = join(job.cacheDirectory, "kopia.config");
  if (!isConnected(file)) return undefined;
  try {
    const { storage } = await readConnection(file);
    const path = storage?.config["path"];
    return typeof path === "string" ? path.replace(/\/+$/, "") : undefined;
  } catch (error) {
    if (isKopiaError(error)) return undefined;
    throw error;
  }
}

/** Names a repository at one of the usual places: most "missing" repositories are a wrong path. */
function elsewhere(path: string): string {
  const candidates = [...USUAL_PLACES, ...mountedVolumes()].filter((place) => place !== path);
  const found = candidates.find((place) => holdsRepository(place));
  return found === undefined
    ? ""
    : ` There is a repository at ${found}: set KOPIA_REPOSITORY=filesystem://${found}.`;
}

function holdsRepository(place: string): boolean {
  try {
    return existsSync(place) && describeDirectory(place).kind === "repository";
  } catch {
    return false;
  }
}

function mountedVolumes(): string[] {
  try {
    return readdirSync("/mnt").flatMap((name) => [`/mnt/${name}`, `/mnt/${name}/repository`]);
  } catch {
    return [];
  }
}

/** Whether a path or something above it, short of the root, is a mount point. Unknown counts as yes. */
function isBelowMount(path: string): boolean {
  let mounts: ReadonlySet<string>;
  try {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    mounts = new Set(lines.map((line) => unescapeMount(line.split(" ")[4] ?? "")));
  } catch {
    return true;
  }
  for (let at = path; at !== "/"; at = dirname(at)) if (mounts.has(at)) return true;
  return false;
}

/** The kernel writes blanks and backslashes of mount points as octal numbers. */
function unescapeMount(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
