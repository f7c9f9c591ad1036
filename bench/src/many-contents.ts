import {
  createFilesystemRepository,
  openFilesystemStorage,
  utf8Encode,
} from "@kopia-engine/kopia-format";
import {
  EMPTY_STATS,
  buildDirectory,
  encodeDirectory,
  prepareNewRepository,
  saveSnapshot,
  type DirectoryEntry,
} from "@kopia-engine/snapshotter";

/** A repository with very many contents. */
export interface ManyContentsOptions {
  /** Empty directory. */
  readonly path: string;
  readonly password: string;
  readonly contentCount: number;
  readonly client: { readonly username: string; readonly hostname: string };
  /** Contents that go into one index blob. Default: all. */
  readonly contentsPerFlush?: number;
}

/** Marker of an epoch (spec 1 §8.4.1). */
const EPOCH_MARKER = utf8Encode("epoch-marker");
const FILES_PER_DIRECTORY = 1000;
const MOD_TIME = 1_700_000_000_123_456_789n;

/** Makes a repository with one snapshot of so many tiny files, each a content of its own, without any file on disk. */
export async function writeManyContents(options: ManyContentsOptions): Promise<void> {
  const { path, password, client, contentCount, contentsPerFlush = Infinity } = options;
  await using repository = await createFilesystemRepository({ path, password, client });
  await using session = await repository.writeSession();
  await prepareNewRepository(session);
  const { objects } = session;
  const entryOf = (name: string, type: "f" | "d", objectId: string): DirectoryEntry => ({
    name,
    type,
    mode: type === "d" ? 0o755 : 0o644,
    sizeBytes: 30n,
    modTime: MOD_TIME,
    uid: 1000,
    gid: 1000,
    objectId,
  });
  const directories: DirectoryEntry[] = [];
  for (let first = 0; first < contentCount; first += FILES_PER_DIRECTORY) {
    const files: DirectoryEntry[] = [];
    for (let i = first; i < Math.min(contentCount, first + FILES_PER_DIRECTORY); i++) {
      const objectId = objects.writeObject(utf8Encode(`content number ${i}`));
      files.push(entryOf(`file-${i}.txt`, "f", objectId));
    }
    const listing = buildDirectory({ entries: files, modTime: MOD_TIME });
    const objectId = objects.writeObject(encodeDirectory(listing), { prefix: "k" });
    directories.push({ ...entryOf(`dir-${first}`, "d", objectId), summary: listing.summary });
    await session.contents.settle();
    if (directories.length % (contentsPerFlush / FILES_PER_DIRECTORY) === 0) await session.flush();
  }
  const root = buildDirectory({ entries: directories, modTime: MOD_TIME });
  const rootId = objects.writeObject(encodeDirectory(root), { prefix: "k" });
  await saveSnapshot(session.manifests, {
    id: "",
    source: { userName: client.username, host: client.hostname, path: "/many" },
    description: "",
    startTime: repository.clock.now(),
    endTime: repository.clock.now(),
    stats: EMPTY_STATS,
    incompleteReason: "",
    rootEntry: { ...entryOf("many", "d", rootId), summary: root.summary },
    tags: {},
    pins: [],
  });
  await session.flush();
}

/** Begins two epochs more: what is in the first one is settled then, and due to be compacted (spec 1 §8.4.6). */
export async function settleFirstEpoch(path: string): Promise<void> {
  const storage = await openFilesystemStorage({ path });
  for (const marker of ["xe1", "xe2"]) await storage.put(marker, EPOCH_MARKER);
  await storage.close();
}
