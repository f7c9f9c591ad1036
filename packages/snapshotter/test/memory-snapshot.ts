import type { Repository } from "@kopia-engine/kopia-format";
import {
  EMPTY_STATS,
  buildDirectory,
  encodeDirectory,
  saveSnapshot,
  type DirectoryEntry,
} from "../src/index.ts";

/** Writes a snapshot of `user@host:/data` with the files in `sub`, flushed as one session. */
export async function writeMemorySnapshot(
  repository: Repository,
  files: Readonly<Record<string, string>>,
  seconds: bigint,
): Promise<void> {
  await using session = await repository.writeSession();
  const { objects, manifests } = session;
  const modTime = seconds * 1_000_000_000n;
  const file = (name: string, text: string): DirectoryEntry => {
    const data = new TextEncoder().encode(text);
    return {
      name,
      type: "f",
      mode: 0o644,
      sizeBytes: BigInt(data.length),
      modTime,
      uid: 0,
      gid: 0,
      objectId: objects.writeObject(data),
    };
  };
  const directory = (name: string, entries: readonly DirectoryEntry[]): DirectoryEntry => {
    const listing = buildDirectory({ entries, modTime });
    const objectId = objects.writeObject(encodeDirectory(listing), { prefix: "k" });
    const { summary } = listing;
    const attributes = { mode: 0o755, sizeBytes: 0n, modTime, uid: 0, gid: 0 };
    return { name, type: "d", ...attributes, objectId, summary };
  };
  const entries = Object.entries(files).map(([name, text]) => file(name, text));
  await saveSnapshot(manifests, {
    id: "",
    source: { userName: "user", host: "host", path: "/data" },
    description: "",
    startTime: modTime,
    endTime: modTime,
    stats: EMPTY_STATS,
    incompleteReason: "",
    rootEntry: directory("data", [directory("sub", entries)]),
    tags: {},
    pins: [],
  });
  await session.flush();
}
