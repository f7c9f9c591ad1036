import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isKopiaError } from "@kopia-engine/kopia-format";
import type { Workplace } from "../run-kopia.ts";
import type { CrashCommand } from "./crash-commands.ts";
import { COPY_DIRECTORY, PASSWORD, REPOSITORY_DIRECTORY } from "./crash-template.ts";
import { repositoryState, type RepositoryState } from "./repository-state.ts";

/** What a repository says, and what lies beside it. */
export interface PlaceState extends RepositoryState {
  /** The connection file; empty when there is none. */
  readonly connection: string;
  /** Snapshots of the copy, and what cannot be read in it. */
  readonly copy: readonly string[];
}

/** Reads everything in a place. @throws KopiaError when its repository does not even open. */
export async function placeState(
  { path }: Workplace,
  { newPassword, env }: Pick<CrashCommand, "newPassword" | "env">,
): Promise<PlaceState> {
  const repository = join(path, REPOSITORY_DIRECTORY);
  const ownerId = env?.["KOPIA_REPO_UPGRADE_OWNER_ID"];
  return {
    ...(await stateByEither(repository, newPassword, ownerId)),
    connection: connectionOf(path),
    copy: await copyOf(path),
  };
}

async function stateByEither(
  path: string,
  newPassword: string | undefined,
  ownerId: string | undefined,
): Promise<RepositoryState> {
  if (newPassword === undefined) return repositoryState(path, PASSWORD, ownerId);
  try {
    return await repositoryState(path, newPassword);
  } catch (error) {
    if (!isKopiaError(error, "INVALID_PASSWORD")) throw error;
    return repositoryState(path, PASSWORD);
  }
}

function connectionOf(path: string): string {
  const file = join(path, "repository.config");
  if (!existsSync(file)) return "";
  const connection = JSON.parse(readFileSync(file, "utf8")) as { caching?: object };
  // The name of the cache is made of the path, which differs.
  const caching = { ...connection.caching, cacheDirectory: "" };
  return JSON.stringify({ ...connection, caching }).replaceAll(path, "PLACE");
}

/** A copy that was begun and cannot be opened yet says nothing. */
async function copyOf(path: string): Promise<readonly string[]> {
  const copy = join(path, COPY_DIRECTORY);
  if (!existsSync(copy)) return []; // the template's own place has none
  try {
    const { snapshots, problems } = await repositoryState(copy, PASSWORD);
    return [...snapshots, ...problems];
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    return [];
  }
}
