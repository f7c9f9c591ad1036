import {
  contentIdPrefix,
  openFilesystemRepository,
  verifyContents,
  type Bytes,
  type Repository,
} from "@kopia-engine/kopia-format";
import {
  encodePolicy,
  formatSource,
  getMaintenanceParameters,
  listPolicies,
  listSnapshots,
  verifySnapshots,
} from "@kopia-engine/snapshotter";

/** What a repository says to its users; times and IDs of manifests are left out, repeated snapshots count once. */
export interface RepositoryState {
  readonly snapshots: readonly string[];
  readonly policies: readonly string[];
  readonly owner: string;
  readonly parameters: string;
  /** Contents that are not deleted, without those of manifests. */
  readonly contents: readonly string[];
  /** Everything that cannot be read. Must be empty. */
  readonly problems: readonly string[];
}

/** Keys that were derived: that takes longer than everything else together. */
const derivedKeys = new Map<string, Bytes>();

/** Reads everything in a repository. @throws KopiaError when it does not even open. */
export async function repositoryState(
  path: string,
  password: string,
  upgradeOwnerId = "",
): Promise<RepositoryState> {
  const known = derivedKeys.get(password);
  await using repository = await openFilesystemRepository({
    path,
    password,
    ...(upgradeOwnerId !== "" && { upgradeOwnerId }),
    ...(known !== undefined && { formatKey: known }),
  });
  derivedKeys.set(password, repository.format.formatKey);
  const snapshots = await listSnapshots(repository.manifests);
  const { content } = repository.format;
  return {
    snapshots: unique(
      snapshots.map(({ source, rootEntry, description, pins, incompleteReason }) =>
        [formatSource(source), rootEntry?.objectId, description, ...pins, incompleteReason].join(
          " ",
        ),
      ),
    ),
    policies: unique(
      (await listPolicies(repository.manifests)).map(
        ({ target, policy }) => `${formatSource(target)} ${encodePolicy(policy)}`,
      ),
    ),
    owner: (await getMaintenanceParameters(repository.manifests)).owner,
    parameters: JSON.stringify([
      content.version,
      content.indexVersion,
      content.maxPackSizeBytes,
      content.epochParameters,
      content.upgradeLock !== undefined,
    ]),
    contents: unique(liveContents(repository)),
    problems: await problemsOf(repository),
  };
}

function liveContents(repository: Repository): string[] {
  const ids: string[] = [];
  for (const { contentId } of repository.contents.contents()) {
    if (contentIdPrefix(contentId) !== "m") ids.push(contentId);
  }
  return ids;
}

async function problemsOf(repository: Repository): Promise<string[]> {
  const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
    rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
  );
  const { contents, objects, storage, random } = repository;
  const { errors } = await verifySnapshots({
    repository: { contents, objects, storage },
    roots,
    verifyFilesPercent: 100,
    maxErrors: -1,
  });
  const problems = errors.map(({ path, message }) => `${path}: ${message}`);
  const options = { includeDeleted: true, readPercent: 100, random };
  await verifyContents(contents, storage, {
    ...options,
    onProblem: ({ error }) => problems.push(error.message),
  });
  return problems;
}

function unique(lines: readonly string[]): string[] {
  return [...new Set(lines)].sort();
}
