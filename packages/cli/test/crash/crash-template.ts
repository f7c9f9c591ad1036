import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStorage } from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { createWorkplace, type Workplace } from "../run-kopia.ts";

/** Kinds of repositories that commands are killed in. */
export type TemplateKind = "current" | "older" | "expiring" | "locked" | "migrating" | "none";

/** A repository with a past, copied for every death. */
export interface CrashTemplate extends Disposable {
  readonly kind: TemplateKind;
  readonly place: Workplace;
  /** Tree that is backed up; changed since the last snapshot. */
  readonly source: string;
  /** Manifest IDs of its snapshots, oldest first. */
  readonly snapshotIds: readonly string[];
  /** Contents that no snapshot needs: some as they were, then one that is marked deleted. */
  readonly unusedContentIds: readonly string[];
}

/** Variables of a client that upgrades. */
export const UPGRADE_ENV = { KOPIA_UPGRADE_LOCK_ENABLED: "1", KOPIA_REPO_UPGRADE_OWNER_ID: "me" };
/** An upgrade that waits for nobody. */
export const UPGRADE_AT_ONCE = [
  "--io-drain-timeout=1ms",
  "--status-poll-interval=1ms",
  "--max-permitted-clock-drift=1ms",
  "--allow-unsafe-upgrade",
];
/** A blob that nothing knows. */
export const FOREIGN_BLOB_ID = "_foreign";
/** Files beside the repository: policies to import, connection files of the repository and of a copy. */
export const PLACE_FILES = {
  policies: "policies.json",
  repository: "repository-storage.config",
  copy: "copy-storage.config",
  otherConnection: "other.config",
} as const;
/** Directories in a place. */
export const REPOSITORY_DIRECTORY = "repo";
export const COPY_DIRECTORY = "copy";

/** Password of the templates, as in `createWorkplace`. */
export const PASSWORD = "test-password";

const IDENTITY = ["--override-username=user", "--override-hostname=host"];
const KEEP_NOTHING_ELSE = ["hourly", "daily", "weekly", "monthly", "annual"].map(
  (period) => `--keep-${period}=0`,
);
/** Commands that snapshot would start maintenance by themselves. */
const QUIET = "--no-auto-maintenance";
const DANGEROUS = "--dangerous-commands=enabled";

/** Makes a repository with three snapshots, one deleted one, a policy, and contents that nothing needs. */
export async function crashTemplate(kind: TemplateKind): Promise<CrashTemplate> {
  const place = createWorkplace();
  const source = join(place.path, "source");
  mkdirSync(join(source, "sub"), { recursive: true });
  writeFileSync(join(source, "same"), seededBytes(1, 3000));
  const template = { kind, place, source, [Symbol.dispose]: () => place[Symbol.dispose]() };
  if (kind === "none") return { ...template, snapshotIds: [], unusedContentIds: [] };
  const version = kind === "older" || kind === "locked" ? ["--format-version=1"] : [];
  const storage = ["filesystem", `--path=${place.path}/repo`, ...IDENTITY, ...version];
  await place.ok("repository", "create", ...storage);
  for (let round = 0; round < 4; round++) {
    writeFileSync(join(source, "changing"), seededBytes(10 + round, 2000));
    writeFileSync(join(source, "sub", `new${round}`), seededBytes(20 + round, 500));
    await place.ok("snapshot", "create", source, `--description=round ${round}`, QUIET);
  }
  const all = await listIds(place);
  await place.ok("snapshot", "delete", all[1] ?? "", "--delete", QUIET);
  const unusedContentIds = await makeUnused(place);
  const exported = join(place.path, PLACE_FILES.policies);
  await place.ok("policy", "set", source, "--keep-latest=8", ...KEEP_NOTHING_ELSE);
  await place.ok("policy", "export", source, `--to-file=${exported}`);
  const keepLatest = kind === "expiring" ? 1 : 9;
  await place.ok("policy", "set", source, `--keep-latest=${keepLatest}`, ...KEEP_NOTHING_ELSE);
  writeFileSync(join(source, "changing"), seededBytes(99, 2500));
  await makeForeignBlobs(place);
  const snapshotIds = await listIds(place);
  if (kind === "migrating") await makeOtherRepository(place, source);
  if (kind === "locked") await lockForUpgrade(place);
  return { ...template, snapshotIds, unusedContentIds };
}

/** A snapshot comes and goes; one of its contents is marked deleted. */
async function makeUnused(place: Workplace): Promise<string[]> {
  const before = new Set(await listContentIds(place));
  const directory = join(place.path, "unused");
  mkdirSync(directory);
  writeFileSync(join(directory, "one"), seededBytes(5, 700));
  writeFileSync(join(directory, "two"), seededBytes(6, 800));
  const { stdout } = await place.ok("snapshot", "create", directory, "--json", QUIET);
  const ids = (await listContentIds(place)).filter((id) => !before.has(id) && !id.startsWith("m"));
  const { id } = JSON.parse(stdout) as { id: string };
  await place.ok("snapshot", "delete", id, "--delete", QUIET);
  const deleted = ids.pop() ?? "";
  await place.ok("content", "delete", deleted, DANGEROUS);
  return [...ids, deleted];
}

async function listContentIds(place: Workplace): Promise<string[]> {
  const { stdout } = await place.ok("content", "list", "--json");
  return (JSON.parse(stdout) as { contentID: string }[]).map(({ contentID }) => contentID);
}

async function makeForeignBlobs(place: Workplace): Promise<void> {
  const path = join(place.path, REPOSITORY_DIRECTORY);
  const storage = await openStorage({ type: "filesystem", config: { path } });
  await storage.put(FOREIGN_BLOB_ID, seededBytes(7, 10));
  for (const nth of ["a", "b", "c"]) {
    await storage.put(`_log_20260101000000_000${nth}_1_2_1_${nth.repeat(32)}`, seededBytes(8, 10));
  }
  await storage.close();
}

/** One snapshot of another source, to be taken over. */
async function makeOtherRepository(place: Workplace, source: string): Promise<void> {
  const connection = `--config-file=${join(place.path, PLACE_FILES.otherConnection)}`;
  const storage = ["filesystem", `--path=${place.path}/other`, ...IDENTITY];
  await place.ok("repository", "create", ...storage, connection);
  await place.ok("snapshot", "create", join(source, "sub"), QUIET, connection);
}

async function lockForUpgrade(place: Workplace): Promise<void> {
  const argv = ["repository", "upgrade", "begin", "--lock-only", ...UPGRADE_AT_ONCE];
  const { exitCode, stderr } = await place.run(argv, { env: UPGRADE_ENV });
  if (exitCode !== 0) throw new Error(`cannot lock: ${stderr}`);
}

async function listIds(place: Workplace): Promise<string[]> {
  const { stdout } = await place.ok("snapshot", "list", "--all", "--json");
  return (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
}

/** A copy of a template's repository and connection, to crash in. The source stays shared. */
export function copyTemplate(template: CrashTemplate): Workplace {
  const copy = createWorkplace();
  writeStorageConfig(copy.path, PLACE_FILES.repository, REPOSITORY_DIRECTORY);
  writeStorageConfig(copy.path, PLACE_FILES.copy, COPY_DIRECTORY);
  mkdirSync(join(copy.path, COPY_DIRECTORY));
  if (template.kind === "none") return copy;
  const from = template.place.path;
  cpSync(from, copy.path, {
    recursive: true,
    preserveTimestamps: true,
    filter: (path) => path !== template.source,
  });
  for (const name of ["repository.config", PLACE_FILES.otherConnection]) {
    const configPath = join(copy.path, name);
    if (!existsSync(configPath)) continue;
    const config = readFileSync(configPath, "utf8");
    writeFileSync(configPath, config.replaceAll(from, copy.path), { mode: 0o600 });
  }
  return copy;
}

function writeStorageConfig(place: string, name: string, directory: string): void {
  const storage = { type: "filesystem", config: { path: join(place, directory) } };
  writeFileSync(join(place, name), JSON.stringify({ storage }), { mode: 0o600 });
}
