import { createHash } from "node:crypto";
import {
  KopiaError,
  createContentEncryptor,
  createHashFunction,
  findFormatCopyAtEnd,
  findFormatCopyAtStart,
  listSessionMarkers,
  loadRepositoryFormat,
  openRepository,
  readLocalIndex,
  reloadRepositoryFormat,
  toHex,
  verifyContents,
  type BlobStorage,
  type Repository,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { FakeClock, seededRandom } from "@kopia-engine/kopia-format/testing";
import {
  listPolicies,
  listSnapshots,
  loadSchedule,
  readDirectory,
  verifySnapshots,
  type DirectoryEntry,
} from "../../src/index.ts";
import type { ReferenceRepository } from "./reference-repository.ts";

/** One thing that somebody does with a repository, and what it saw, as text. */
export interface Check {
  readonly name: string;
  run(repository: Repository): Promise<string>;
  /** Name of the verification that must find whatever this check finds. */
  readonly verifiedBy?: string;
}

const CLIENT = { username: "user", hostname: "host", readOnly: true, description: "" };

/** Opens the repository; `onRepair` hears of error correction. */
export function openForChecks(
  storage: BlobStorage,
  reference: Pick<ReferenceRepository, "password" | "format">,
  onRepair: () => void,
): Promise<Repository> {
  const { password, format } = reference;
  // Waiting for a blob that is not there costs no time.
  const clock = new FakeClock();
  return openRepository(storage, { password, format, client: CLIENT, clock, onRepair });
}

/** The format, with the key derived from the password; without the bytes of the blob that say nothing. */
export async function formatByPassword(storage: BlobStorage, password: string): Promise<string> {
  return describeFormat(await loadRepositoryFormat(storage, password));
}

/**
 * The same, without deriving the key where that cannot matter: a key depends on password, unique ID and
 * algorithm alone. When the blobs open with the key at hand and show the same two, loading gives the same.
 * When they do not open, loading either derives that very key and fails alike, or derives another one, which
 * opens nothing, or refuses to derive: typed errors all of them.
 */
export async function formatByKey(
  storage: BlobStorage,
  { password, format }: Pick<ReferenceRepository, "password" | "format">,
): Promise<string> {
  const found = await reloadRepositoryFormat(storage, format);
  const isSameKey =
    found.keyAlgorithm === format.keyAlgorithm && toHex(found.uniqueId) === toHex(format.uniqueId);
  return isSameKey ? describeFormat(found) : formatByPassword(storage, password);
}

function describeFormat(format: RepositoryFormat): string {
  return inspect({ ...format, formatBlob: undefined });
}

/** Every check that makes sense in this repository, after it was opened. */
export async function allChecks(repository: Repository): Promise<readonly Check[]> {
  const crypto = await cryptoOf(repository);
  const snapshots = await listSnapshots(repository.manifests);
  const contentIds = [...repository.contents.contents({ includeDeleted: true })].map(
    ({ contentId }) => contentId,
  );
  const packs = new Set(
    [...repository.contents.contents({ includeDeleted: true })].map(({ packBlobId }) => packBlobId),
  );
  return [
    ...wholeChecks(crypto),
    ...contentIds.flatMap((id) => contentChecks(id, crypto)),
    ...snapshots.flatMap(({ id, rootEntry }) =>
      rootEntry === undefined ? [] : snapshotChecks(id, rootEntry),
    ),
    ...[...packs].flatMap((id) => packChecks(id, crypto)),
  ];
}

function wholeChecks(crypto: Crypto): Check[] {
  return [
    {
      name: "manifests",
      async run({ manifests }) {
        const entries = await manifests.find({});
        const payloads = await Promise.all(entries.map(({ id }) => manifests.getPayload(id)));
        return inspect([entries, payloads]);
      },
    },
    { name: "policies", run: async ({ manifests }) => inspect(await listPolicies(manifests)) },
    { name: "snapshots", run: async ({ manifests }) => inspect(await listSnapshots(manifests)) },
    { name: "schedule", run: async (repository) => inspect(await loadSchedule(repository)) },
    {
      name: "sessions",
      // What they say; how long their blobs are is the listing's word.
      run: async ({ storage }) =>
        inspect((await listSessionMarkers(storage, crypto)).map(({ marker }) => marker)),
    },
  ];
}

function contentChecks(contentId: string, { hash }: Crypto): Check[] {
  const verifiedBy = `verify content ${contentId}`;
  return [
    {
      name: `content ${contentId}`,
      verifiedBy,
      run: async ({ contents }) => digest(await contents.getContent(contentId)),
    },
    {
      name: verifiedBy,
      async run(repository) {
        const { errorCount } = await verifyContents(repository.contents, repository.storage, {
          range: { start: contentId, end: `${contentId}\0` },
          includeDeleted: true,
          readPercent: 100,
          random: repository.random,
          hash,
        });
        return found(errorCount);
      },
    },
  ];
}

function snapshotChecks(id: string, entry: DirectoryEntry): Check[] {
  const verifiedBy = `verify snapshot ${id}`;
  return [
    { name: `tree ${id}`, verifiedBy, run: (repository) => describeTree(repository, entry) },
    {
      name: verifiedBy,
      async run(repository) {
        const roots = [{ path: id, entry }];
        const random = seededRandom(1);
        const all = { roots, random, verifyFilesPercent: 100, maxErrors: -1 };
        return found((await verifySnapshots({ repository, ...all })).errors.length);
      },
    },
  ];
}

/** What recovery reads. */
function packChecks(packBlobId: string, crypto: Crypto): Check[] {
  return [
    {
      name: `local index of ${packBlobId}`,
      async run({ storage }) {
        const index = await readLocalIndex(storage, crypto, packBlobId);
        return inspect(Array.from({ length: index.entryCount }, (_, i) => index.entryAt(i)));
      },
    },
    {
      name: `format copy in ${packBlobId}`,
      async run({ storage, format }) {
        if (format.content.enablePasswordChange) return "none";
        const pack = await storage.get(packBlobId);
        const copy = findFormatCopyAtStart(pack) ?? findFormatCopyAtEnd(pack);
        if (copy === undefined) throw new KopiaError("FORMAT_CORRUPT", "there is no copy");
        return digest(copy);
      },
    },
  ];
}

/** Directories as stored, and the bytes of every file. */
async function describeTree(repository: Repository, entry: DirectoryEntry): Promise<string> {
  const { objects } = repository;
  if (entry.type !== "d") {
    if (entry.objectId === "") return inspect(entry);
    return inspect([entry, digest(await objects.readObject(entry.objectId))]);
  }
  const { entries, ...listing } = await readDirectory(objects, entry.objectId);
  const below: string[] = [];
  for (const child of entries) below.push(await describeTree(repository, child));
  return inspect([entry, listing, below]);
}

type Crypto = Awaited<ReturnType<typeof cryptoOf>>;

async function cryptoOf({ format, random }: Repository) {
  const { hash, secret } = format.content;
  return {
    hash: await createHashFunction(hash, secret),
    encryptor: createContentEncryptor(format.content, random),
  };
}

function found(problemCount: number): string {
  if (problemCount === 0) return "whole";
  throw new KopiaError("CONTENT_CORRUPT", `${problemCount} problems found`);
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function inspect(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "bigint") return `${part}n`;
    if (part instanceof Uint8Array) return toHex(part);
    return part instanceof Map || part instanceof Set ? [...part] : part;
  });
}
