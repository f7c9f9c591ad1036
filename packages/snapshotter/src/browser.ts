/**
 * What can be done with snapshots on a platform without Node, such as a browser: list them, walk their trees, read their
 * files. Found under the package's own name by bundlers that ask for the condition `browser`.
 */
export { descend, resolveObjectPath, type ResolvedObject } from "./fs/object-path.ts";
export {
  readDirectory,
  readDirectoryForRestore,
  type RestoreListing,
} from "./fs/read-directory.ts";
export type {
  DirectoryEntry,
  DirectoryListing,
  DirectorySummary,
} from "./model/directory-entry.ts";
export { decodeDirectory } from "./model/directory-codec.ts";
export type { SnapshotManifest } from "./model/snapshot-manifest.ts";
export {
  findSnapshotsById,
  groupBySource,
  listSnapshots,
  type SnapshotFilter,
  type SourceSnapshots,
} from "./model/snapshot-store.ts";
export { formatSource, type Source } from "./model/source.ts";
