/**
 * What a web page does with a repository: read its blobs over HTTP, list the snapshots, restore every file into memory. Bundled
 * for the browser by `browser.test.ts`, which serves it, gives the task, and takes the result.
 */
import {
  ReadableStorage,
  compressorByHeaderId,
  createEncryptor,
  createHashFunction,
  openRepository,
  systemClock,
  toHex,
  type BlobRange,
  type Repository,
  type SourceBytes,
} from "@kopia-engine/kopia-format";
import { formatSource, listSnapshots, readDirectoryForRestore } from "@kopia-engine/snapshotter";

/** What the page is to do, as `task.json`. */
export interface PageTask {
  readonly password: string;
  readonly blobs: readonly {
    readonly id: string;
    readonly lengthBytes: number;
    readonly timestampNs: string;
  }[];
}

/** What the page found. */
export interface PageResult {
  readonly error?: string;
  /** Which provider each kind of algorithm has here. */
  readonly providers: Readonly<Record<string, string>>;
  /** What of Node the page sees: nothing. */
  readonly nodeGlobals: readonly string[];
  /** By snapshot ID. */
  readonly snapshots: Readonly<Record<string, PageSnapshot>>;
}

/** One snapshot, restored. */
export interface PageSnapshot {
  readonly source: string;
  /** Path, length and SHA-256 of each file. */
  readonly files: readonly (readonly [path: string, lengthBytes: number, sha256: string])[];
}

/** Reads blobs with `fetch`, parts of them with a `Range` header. */
function httpStorage(base: string, { blobs }: PageTask): ReadableStorage {
  const metadata = blobs.map(({ id, lengthBytes, timestampNs }) => ({
    id,
    lengthBytes,
    timestamp: BigInt(timestampNs),
  }));
  return new ReadableStorage({
    displayName: base,
    list: async (prefix) => metadata.filter(({ id }) => id.startsWith(prefix)),
    async read(id: string, range?: BlobRange): Promise<SourceBytes | undefined> {
      const last = range && range.offsetBytes + range.lengthBytes - 1;
      const headers: Record<string, string> =
        range === undefined ? {} : { range: `bytes=${range.offsetBytes}-${last}` };
      const response = await fetch(`${base}/blob/${encodeURIComponent(id)}`, { headers });
      if (response.status === 404) return undefined;
      if (!response.ok) throw new Error(`HTTP status ${response.status} for ${id}`);
      const offsetBytes = response.status === 206 ? (range?.offsetBytes ?? 0) : 0;
      return { bytes: new Uint8Array(await response.arrayBuffer()), offsetBytes };
    },
  });
}

async function restoreAll(repository: Repository): Promise<Record<string, PageSnapshot>> {
  const snapshots: Record<string, PageSnapshot> = {};
  for (const { id, source, rootEntry } of await listSnapshots(repository.manifests)) {
    const files: [string, number, string][] = [];
    const walk = async (objectId: string, path: string): Promise<void> => {
      const { entries } = await readDirectoryForRestore(repository.objects, objectId);
      for (const entry of entries) {
        const entryPath = path === "" ? entry.name : `${path}/${entry.name}`;
        if (entry.type === "d") await walk(entry.objectId, entryPath);
        if (entry.type !== "f") continue;
        const bytes = await repository.objects.readObject(entry.objectId);
        const digest = await crypto.subtle.digest("SHA-256", bytes);
        files.push([entryPath, bytes.length, toHex(new Uint8Array(digest))]);
      }
    };
    if (rootEntry?.type === "d") await walk(rootEntry.objectId, "");
    snapshots[id] = { source: formatSource(source), files };
  }
  return snapshots;
}

async function providersHere({ format }: Repository): Promise<Record<string, string>> {
  const { hash, secret, encryption, masterKey } = format.content;
  const providers: Record<string, string> = {
    [hash]: (await createHashFunction(hash, secret)).provider,
    [encryption]: createEncryptor(encryption, masterKey).provider,
  };
  for (const headerId of [0x1000, 0x1100, 0x1200, 0x1300, 0x1400, 0x1500]) {
    const compressor = compressorByHeaderId(headerId);
    if (compressor !== undefined) providers[compressor.name] = compressor.provider;
  }
  return providers;
}

async function run(base: string): Promise<PageResult> {
  const host = globalThis as unknown as Record<string, unknown>;
  const nodeGlobals = ["process", "Buffer", "require"].filter((name) => name in host);
  const task = (await (await fetch(`${base}/task.json`)).json()) as PageTask;
  try {
    await using repository = await openRepository(httpStorage(base, task), {
      password: task.password,
      client: { username: "u", hostname: "h", readOnly: true, description: "" },
      clock: systemClock,
    });
    const providers = await providersHere(repository);
    return { providers, nodeGlobals, snapshots: await restoreAll(repository) };
  } catch (error) {
    const text = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
    return { error: text, providers: {}, nodeGlobals, snapshots: {} };
  }
}

// The page's own address in a browser; given where there is no page.
const given = (globalThis as { repositoryBase?: string }).repositoryBase;
const base =
  given ??
  new URL(
    ".",
    (globalThis as unknown as { location: { href: string } }).location.href,
  ).href.replace(/\/$/, "");
await fetch(`${base}/result`, { method: "POST", body: JSON.stringify(await run(base)) });
