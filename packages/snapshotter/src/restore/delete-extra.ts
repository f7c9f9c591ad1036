import type { DirectoryHandle } from "@kopia-engine/kopia-format";
import type { DirectoryEntry } from "../model/directory-entry.ts";
import type { DeletedCounts } from "./restore-output.ts";

interface Counts {
  files: number;
  directories: number;
  symlinks: number;
}

/**
 * Deletes what is in a directory but not in the snapshot, or there as the other kind (directory against
 * anything else), without following a link (spec 2 §10.4). Counts what was deleted directly here.
 * @param spared names that stay whatever they are.
 */
export function deleteExtraEntries(
  directory: DirectoryHandle,
  entries: readonly DirectoryEntry[],
  spared: readonly string[] = [],
): DeletedCounts {
  const wantedAsDirectory = new Map(
    entries.map((entry) => [keyOf(Buffer.from(entry.name, "utf8")), entry.type === "d"]),
  );
  const keys = new Set(spared.map((name) => keyOf(Buffer.from(name, "utf8"))));
  const counts: Counts = { files: 0, directories: 0, symlinks: 0 };
  for (const name of directory.names()) {
    const stat = directory.lstat(name);
    if (keys.has(keyOf(name))) continue;
    if (stat === undefined || wantedAsDirectory.get(keyOf(name)) === stat.isDirectory()) continue;
    if (stat.isDirectory()) counts.directories++;
    else if (stat.isSymbolicLink()) counts.symlinks++;
    else counts.files++;
    deleteEntry(directory, name);
  }
  return counts;
}

/** Removes an entry, a directory with all that is in it. */
export function deleteEntry(directory: DirectoryHandle, name: string | Uint8Array): void {
  const stat = directory.lstat(name);
  if (stat === undefined) return;
  if (!stat.isDirectory()) {
    directory.unlink(name);
    return;
  }
  const inner = directory.openDirectory(name);
  try {
    for (const child of inner.names()) deleteEntry(inner, child);
  } finally {
    inner.close();
  }
  directory.removeDirectory(name);
}

/** Raw bytes as a map key. */
function keyOf(name: Uint8Array): string {
  return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString("latin1");
}
