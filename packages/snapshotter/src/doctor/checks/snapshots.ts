import {
  errorMessage,
  isKopiaError,
  type KopiaError,
  type ManifestId,
} from "@kopia-engine/kopia-format";
import { readDirectory } from "../../fs/read-directory.ts";
import type { DirectoryEntry } from "../../model/directory-entry.ts";
import type { SnapshotManifest } from "../../model/snapshot-manifest.ts";
import { listSnapshots } from "../../model/snapshot-store.ts";
import { formatSource } from "../../model/source.ts";
import { ObjectIdSet } from "../../verify/object-id-set.ts";
import { indexTrouble, troubleOf, type ContentTrouble, type Examination } from "../examination.ts";
import { counted, finding, type AffectedSnapshot, type Finding } from "../finding.ts";
import { DIRECT_OBJECT_ID } from "../../model/direct-object-id.ts";

const MAX_EXAMPLES = 10;
const BREATHE_EVERY = 256;

/** What is out of reach below a directory, by cause. */
type Losses = Map<ContentTrouble, { fileCount: number; examples: string[] }>;

/** What the look at the snapshots gave. */
export interface SnapshotDamage {
  readonly snapshotCount: number;
  /** Snapshots of each cause. */
  readonly affected: ReadonlyMap<ContentTrouble, readonly AffectedSnapshot[]>;
  readonly findings: readonly Finding[];
}

/**
 * Walks the trees of all snapshots and finds out which files need a content that is in trouble. Each
 * directory is read once; of a damaged one its losses are kept, so that other snapshots need not read it again.
 */
export async function checkSnapshots(examination: Examination): Promise<SnapshotDamage> {
  const { repository, recoveredRepository } = examination;
  const invalid = new Map<ManifestId, KopiaError>();
  const onInvalid = (id: ManifestId, error: KopiaError): void => void invalid.set(id, error);
  const visible = await listSnapshots(repository.manifests, {}, onInvalid);
  const all =
    recoveredRepository === repository
      ? visible
      : await listSnapshots(recoveredRepository.manifests, {}, onInvalid);
  const visibleIds = new Set(visible.map(({ id }) => id));
  examination.onProgress(`walking through ${counted(all.length, "snapshot")}`);
  const walker = new DamageWalker(examination);
  const affected = new Map<ContentTrouble, AffectedSnapshot[]>();
  const visibleOnly = visible.filter(({ id }) => !all.some((snapshot) => snapshot.id === id));
  for (const snapshot of [...all, ...visibleOnly]) {
    const isInvisible = !visibleIds.has(snapshot.id);
    for (const [trouble, loss] of await walker.lossesOf(snapshot, isInvisible)) {
      const list = affected.get(trouble) ?? [];
      list.push({ ...describe(snapshot), isInvisible, ...loss });
      affected.set(trouble, list);
    }
  }
  return {
    snapshotCount: visible.length,
    affected,
    findings: [...invalidFindings(invalid), ...walker.deletedInUse()],
  };
}

function describe({
  id,
  source,
  startTime,
}: SnapshotManifest): Pick<AffectedSnapshot, "manifestId" | "source" | "startTime"> {
  return { manifestId: id, source: formatSource(source), startTime };
}

function invalidFindings(invalid: ReadonlyMap<ManifestId, KopiaError>): Finding[] {
  const [first] = invalid;
  if (first === undefined) return [];
  return [
    finding("snapshot-manifest-invalid", {
      summary: `${counted(invalid.size, "manifest")}, for example ${first[0]}: ${first[1].message}`,
      details: { manifests: [...invalid.keys()].slice(0, 10) },
    }),
  ];
}

class DamageWalker {
  readonly #examination: Examination;
  /** Directories without losses, by the hash in their ID. */
  readonly #clean = new ObjectIdSet();
  readonly #damaged = new Map<string, Losses>();
  /** Indirect objects without trouble. */
  readonly #cleanObjects = new ObjectIdSet();
  readonly #deletedInUse = new ObjectIdSet();
  #visits = 0;

  constructor(examination: Examination) {
    this.#examination = examination;
  }

  async lossesOf({ rootEntry }: SnapshotManifest, isInvisible: boolean): Promise<Losses> {
    if (rootEntry === undefined) return new Map();
    const losses: Losses = new Map();
    await this.#visit(rootEntry, ".", losses);
    // Whatever its files: a snapshot that nobody can list is out of reach.
    if (isInvisible && losses.size === 0) {
      const trouble = indexTrouble(this.#examination);
      addLoss(losses, trouble, { fileCount: fileCountOf(rootEntry), path: "./" });
    }
    return losses;
  }

  /** Contents that are marked deleted and in use. */
  deletedInUse(): Finding[] {
    if (this.#deletedInUse.size === 0) return [];
    return [
      finding("content-deleted-in-use", {
        summary: `${counted(this.#deletedInUse.size, "content")} that snapshots need`,
        details: { contentCount: this.#deletedInUse.size },
      }),
    ];
  }

  async #visit(entry: DirectoryEntry, path: string, losses: Losses): Promise<void> {
    if (entry.objectId === "") return;
    if (entry.type === "d") await this.#visitDirectory(entry, path, losses);
    else {
      const trouble = await this.#troubleOfObject(entry.objectId);
      if (trouble !== undefined) addLoss(losses, trouble, { fileCount: 1, path });
    }
  }

  async #visitDirectory(entry: DirectoryEntry, path: string, losses: Losses): Promise<void> {
    const { objectId } = entry;
    const key = objectId.replace(/^k/, "");
    if (this.#clean.has(key)) return;
    let own = this.#damaged.get(objectId);
    if (own === undefined) {
      own = await this.#lossesOfDirectory(entry);
      if (own.size === 0) this.#clean.add(key);
      else this.#damaged.set(objectId, own);
    }
    for (const [trouble, { fileCount, examples }] of own) {
      const [first, ...rest] = examples;
      addLoss(losses, trouble, { fileCount, path: joined(path, first ?? "") });
      for (const example of rest) {
        addLoss(losses, trouble, { fileCount: 0, path: joined(path, example) });
      }
    }
  }

  async #lossesOfDirectory(entry: DirectoryEntry): Promise<Losses> {
    const losses: Losses = new Map();
    await this.#breathe();
    const trouble = await this.#troubleOfObject(entry.objectId);
    if (trouble !== undefined) {
      addLoss(losses, trouble, { fileCount: Math.max(1, fileCountOf(entry)), path: "" });
      return losses;
    }
    let children: readonly DirectoryEntry[];
    try {
      const { objects } = this.#examination.repository;
      ({ entries: children } = await readDirectory(objects, entry.objectId));
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      this.#examination.unreadable.set(entry.objectId, errorMessage(error));
      addLoss(losses, "content-damaged", { fileCount: Math.max(1, fileCountOf(entry)), path: "" });
      return losses;
    }
    for (const child of children) {
      if (child.type !== "d" && DIRECT_OBJECT_ID.test(child.objectId)) {
        const direct = this.#troubleOfContent(child.objectId);
        if (direct !== undefined) addLoss(losses, direct, { fileCount: 1, path: child.name });
      } else await this.#visit(child, child.name, losses);
    }
    return losses;
  }

  #troubleOfContent(contentId: string): ContentTrouble | undefined {
    const trouble = troubleOf(this.#examination, contentId);
    if (trouble === undefined) {
      const entry = this.#examination.repository.contents.getContentInfo(contentId);
      if (entry?.deleted === true) this.#deletedInUse.add(contentId);
    }
    return trouble;
  }

  async #troubleOfObject(objectId: string): Promise<ContentTrouble | undefined> {
    if (DIRECT_OBJECT_ID.test(objectId)) return this.#troubleOfContent(objectId);
    if (this.#cleanObjects.has(objectId)) return undefined;
    const trouble = await this.#troubleOfIndirect(objectId);
    if (trouble === undefined) this.#cleanObjects.add(objectId);
    return trouble;
  }

  async #troubleOfIndirect(objectId: string): Promise<ContentTrouble | undefined> {
    const { recoveredRepository, repository } = this.#examination;
    try {
      const contentIds = await recoveredRepository.objects.verifyObject(objectId);
      for (const contentId of contentIds) {
        const trouble = this.#troubleOfContent(contentId);
        if (trouble !== undefined) return trouble;
      }
      return undefined;
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      // The list of parts is out of reach: its own content says why.
      const list = objectId.replace(/^[IZ]+/, "");
      if (DIRECT_OBJECT_ID.test(list)) {
        const trouble = troubleOf(this.#examination, list);
        if (trouble !== undefined) return trouble;
      }
      const missing = error.details["contentId"];
      if (typeof missing === "string") {
        const trouble = troubleOf(this.#examination, missing);
        if (trouble !== undefined) return trouble;
      }
      return repository.contents.indexBlobs().length === 0 ? "index-missing" : "content-damaged";
    }
  }

  async #breathe(): Promise<void> {
    if (++this.#visits % BREATHE_EVERY !== 0) return;
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#examination.signal?.throwIfAborted();
  }
}

function fileCountOf({ type, summary }: DirectoryEntry): number {
  return summary?.fileCount ?? (type === "d" ? 0 : 1);
}

function joined(directory: string, name: string): string {
  const prefix = directory === "" || directory === "." ? "" : `${directory}/`;
  return name === "" ? (prefix === "" ? "./" : prefix) : `${prefix}${name}`;
}

function addLoss(
  losses: Losses,
  trouble: ContentTrouble,
  { fileCount, path }: { readonly fileCount: number; readonly path: string },
): void {
  const loss = losses.get(trouble) ?? { fileCount: 0, examples: [] };
  loss.fileCount += fileCount;
  if (loss.examples.length < MAX_EXAMPLES) loss.examples.push(path);
  losses.set(trouble, loss);
}
