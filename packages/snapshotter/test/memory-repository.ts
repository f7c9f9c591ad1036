import {
  MemoryStorage,
  createRepository,
  openRepository,
  type BlobStorage,
  type Clock,
  type Repository,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";

const PASSWORD = "memory";
/** The key is derived once for all repositories of a test file. */
let template: Promise<{ format: RepositoryFormat; blobs: readonly [string, Uint8Array][] }>;

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
  } = {},
): Promise<MemoryRepository> {
  template ??= makeTemplate();
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

async function makeTemplate(): typeof template {
  const storage = new MemoryStorage();
  const format = await createRepository(storage, { password: PASSWORD });
  const blobs: [string, Uint8Array][] = [];
  for await (const { id } of storage.list("")) blobs.push([id, await storage.get(id)]);
  return { format, blobs };
}
