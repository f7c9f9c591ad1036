import {
  MemoryStorage,
  createRepository,
  openRepository,
  type BlobStorage,
  type Clock,
  type NewRepositoryFormat,
  type Repository,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";

const PASSWORD = "memory";
/** The key is derived once for all repositories of one format in a test file. */
const templates = new Map<string, ReturnType<typeof makeTemplate>>();

/** A repository in memory, and its storage. */
export interface MemoryRepository {
  readonly repository: Repository;
  readonly storage: BlobStorage;
}

/** Opens a fresh repository in memory, or an existing storage again. */
export async function memoryRepository(
  options: {
    readonly clock?: Clock;
    /** Storage of an earlier `memoryRepository`, perhaps wrapped. */
    readonly storage?: BlobStorage;
    /** Default: that of a new repository. The same storage must be opened with the same one. */
    readonly format?: NewRepositoryFormat;
  } = {},
): Promise<MemoryRepository> {
  const key = JSON.stringify(options.format ?? {});
  const template = templates.get(key) ?? makeTemplate(options.format ?? {});
  templates.set(key, template);
  const { format, blobs } = await template;
  const storage = options.storage ?? new MemoryStorage();
  if (options.storage === undefined) {
    for (const [id, data] of blobs) await storage.put(id, data);
  }
  const client = { username: "user", hostname: "host", readOnly: false, description: "test" };
  const { clock } = options;
  const repository = await openRepository(storage, {
    password: PASSWORD,
    format,
    client,
    ...(clock === undefined ? {} : { clock }),
  });
  return { repository, storage };
}

async function makeTemplate(
  newFormat: NewRepositoryFormat,
): Promise<{ format: RepositoryFormat; blobs: readonly [string, Uint8Array][] }> {
  const storage = new MemoryStorage();
  const format = await createRepository(storage, { password: PASSWORD, format: newFormat });
  const blobs: [string, Uint8Array][] = [];
  for await (const { id } of storage.list("")) blobs.push([id, await storage.get(id)]);
  return { format, blobs };
}
