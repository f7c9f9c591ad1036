import {
  MAINTENANCE_BLOB_ID,
  NS_PER_SECOND,
  createContentEncryptor,
  createHashFunction,
  listSessionMarkers,
  sessionIdOfBlob,
  toHex,
  toUnixSeconds,
  utf8Encode,
  type ContentEntry,
  type Repository,
  type TimeNs,
} from "@kopia-engine/kopia-format";
import {
  CommittedIndex,
  buildIndex,
  decryptBlob,
  encryptBlob,
  openIndex,
  parseEpoch,
  parseWatermark,
  type BlobCrypto,
} from "@kopia-engine/kopia-format/testing";
import { executeSnapshotGc, loadSchedule, planSnapshotGc, saveSchedule } from "../src/index.ts";
import type { Actor } from "./actor.ts";
import { listSorted, viewEpochs, type EpochView } from "./original-epochs.ts";
import { ORIGINAL_RULES, type OriginalRules, type PastRun } from "./original-rules.ts";
import { DAY, HOUR } from "./simulated-time.ts";
import type { MaintainerPlan } from "./world-plan.ts";
import type { World } from "./world.ts";

const MAX_SKEW_NS = 300n * NS_PER_SECOND;
const HISTORY = {
  gc: "snapshot-gc",
  rewrite: "full-rewrite-contents",
  delete: "full-delete-blobs",
};

/**
 * Maintenance as the specification describes the original program: the same margins, and none of what
 * this engine adds (no proofs, no read-back, no breaker, no look at the freshness of listings).
 */
export function originalMaintainer(
  world: World,
  plan: MaintainerPlan,
  rules: OriginalRules = ORIGINAL_RULES,
): Actor {
  return {
    plan,
    acceptable: new Set(["CONTENT_CORRUPT", "CONTENT_NOT_FOUND", "BLOB_NOT_FOUND"]),
    async run({ repository, choices }) {
      const { hash, secret } = repository.format.content;
      const cycle = new OriginalCycle({
        repository,
        rules,
        crypto: {
          hash: await createHashFunction(hash, secret),
          encryptor: createContentEncryptor(repository.format.content, repository.random),
        },
        plan: world.plan,
        tell: (text) => world.tell(plan.name, () => text),
      });
      await cycle.run(choices.chance(0.75) ? "full" : "quick");
    },
  };
}

interface CycleContext {
  readonly repository: Repository;
  readonly rules: OriginalRules;
  readonly crypto: BlobCrypto;
  readonly plan: World["plan"];
  readonly tell: (text: string) => void;
}

class OriginalCycle {
  readonly #context: CycleContext;
  #startTime: TimeNs = 0n;

  constructor(context: CycleContext) {
    this.#context = context;
  }

  /** Order of tasks: spec 3 §1.4, §1.5. */
  async run(mode: "full" | "quick"): Promise<void> {
    const { repository, tell } = this.#context;
    const now = repository.clock.now();
    const schedule = await loadSchedule(repository);
    const next = {
      nextFullMaintenance: now + BigInt(DAY),
      nextQuickMaintenance: now + BigInt(HOUR),
    };
    await saveSchedule(repository, { ...schedule, ...next });
    this.#startTime = (await repository.storage.getMetadata(MAINTENANCE_BLOB_ID)).timestamp;
    const skew = this.#startTime - repository.clock.now();
    if (skew > MAX_SKEW_NS || -skew > MAX_SKEW_NS) return tell("refuses: clock skew");
    tell(`runs ${mode} maintenance, by the original's rules`);
    await repository.refresh();
    if (mode === "full") await this.#deletions();
    if (!repository.format.content.epochParameters.enabled) return;
    await this.#compactSingle();
    await this.#advance();
    if (mode === "quick") return;
    await this.#compactRange();
    await this.#cleanUp();
  }

  async #deletions(): Promise<void> {
    const { repository, rules } = this.#context;
    await this.#recorded(HISTORY.gc, async () => {
      const plan = await planSnapshotGc({
        repository,
        startTime: this.#startTime,
        minContentAgeNs: rules.minContentAgeNs,
      });
      await executeSnapshotGc(repository, plan);
    });
    await repository.refresh();
    const rewritten = latestEnd(await this.#past(HISTORY.rewrite));
    const deleted = latestEnd(await this.#past(HISTORY.delete));
    if (rewritten === undefined || (deleted !== undefined && deleted >= rewritten)) {
      await this.#recorded(HISTORY.rewrite, () => this.#rewriteShortPacks());
    }
    const now = repository.clock.now();
    const dropTime = rules.dropTime(await this.#past(HISTORY.gc), now);
    if (dropTime !== undefined && repository.format.content.epochParameters.enabled) {
      const seconds = toUnixSeconds(dropTime);
      const { watermarkSeconds } = await viewEpochs(repository.storage);
      if (seconds >= watermarkSeconds) {
        await repository.storage.put(`xw${seconds}`, utf8Encode("deletion-watermark"));
      }
      await repository.refresh();
    }
    if (rules.mayDeletePacksAfter(latestEnd(await this.#past(HISTORY.rewrite)), now)) {
      await this.#recorded(HISTORY.delete, () => this.#deletePacks());
    }
  }

  /** Spec 3 §1.8: a single short pack of a kind is left alone. */
  async #rewriteShortPacks(): Promise<void> {
    const { repository, rules } = this.#context;
    const packs = new Map<string, ContentEntry[]>();
    for (const entry of repository.contents.contents({ includeDeleted: true })) {
      const entries = packs.get(entry.packBlobId);
      if (entries === undefined) packs.set(entry.packBlobId, [entry]);
      else entries.push(entry);
    }
    const limit = Math.floor((repository.format.content.maxPackSizeBytes * 60) / 100);
    const short = [...packs].filter(
      ([, entries]) => entries.reduce((sum, { packedLength }) => sum + packedLength, 0) < limit,
    );
    const now = repository.clock.now();
    await using session = await repository.writeSession();
    for (const kind of ["p", "q"]) {
      const ofKind = short.filter(([packId]) => packId.startsWith(kind));
      if (ofKind.length < 2) continue;
      for (const { contentId, timestampSeconds } of ofKind.flatMap(([, entries]) => entries)) {
        const ageNs = now - BigInt(timestampSeconds) * NS_PER_SECOND;
        if (ageNs >= rules.rewriteMinAgeNs) await session.contents.rewriteContent(contentId);
      }
    }
    await session.flush();
    await repository.refresh();
  }

  /** Spec 3 §1.10. */
  async #deletePacks(): Promise<void> {
    const { repository, rules, crypto, tell } = this.#context;
    const { storage } = repository;
    const sessions = new Map<string, TimeNs>();
    for (const { blobId, marker } of await listSessionMarkers(storage, crypto)) {
      const id = sessionIdOfBlob(blobId) ?? "";
      const known = sessions.get(id);
      if (known === undefined || marker.checkpointTime > known)
        sessions.set(id, marker.checkpointTime);
    }
    const used = new Set<string>();
    const includeDeleted = rules.deletedEntriesUsePacks;
    for (const { packBlobId } of repository.contents.contents({ includeDeleted })) {
      used.add(packBlobId);
    }
    const cutoff = this.#startTime + NS_PER_SECOND;
    for (const prefix of ["p", "q", "s"]) {
      for (const blob of await listSorted(storage, prefix)) {
        const sessionStart = sessions.get(sessionIdOfBlob(blob.id) ?? "");
        if (used.has(blob.id) || !rules.mayDeletePack({ blob, cutoff, sessionStart })) continue;
        tell(`deletes ${blob.id}`);
        await storage.delete(blob.id);
      }
    }
  }

  async #compactSingle(): Promise<void> {
    const { repository, rules, tell } = this.#context;
    const view = await viewEpochs(repository.storage);
    rules.looked?.(view);
    let epoch = view.chainEnd + 1;
    while (view.singles.has(epoch)) epoch++;
    if (!rules.isSettled(epoch, view)) return;
    const inputs = rules.compactionInputs(view, epoch);
    if (inputs.length === 0) return;
    tell(`compacts epoch ${epoch} of ${inputs.length} index blobs`);
    await this.#compact(`xs${epoch}_`, inputs);
  }

  async #compactRange(): Promise<void> {
    const { repository, plan, tell } = this.#context;
    const view = await viewEpochs(repository.storage);
    const first = view.chainEnd + 1;
    const last = view.writeEpoch - 2;
    if (last < 0 || last - first < plan.fullCheckpointFrequency) return;
    const inputs: { readonly id: string }[] = [];
    for (let epoch = first; epoch <= last; epoch++) {
      inputs.push(...(view.singles.get(epoch) ?? view.uncompacted.get(epoch) ?? []));
    }
    if (inputs.length === 0) return;
    tell(`compacts epochs ${first} to ${last}`);
    await this.#compact(`xr${first}_${last}_`, inputs);
  }

  /** Merges, builds, stores; nothing is read back. */
  async #compact(prefix: string, inputs: readonly { readonly id: string }[]): Promise<void> {
    const { repository, crypto, rules } = this.#context;
    const merged = new CommittedIndex();
    for (const { id } of inputs) {
      const bytes = decryptBlob(crypto, { id, data: await repository.storage.get(id) });
      merged.add([openIndex(bytes, id)]);
    }
    const bytes = buildIndex(merged.entries({ includeDeleted: true }), {
      version: repository.format.content.indexVersion,
    });
    const suffix = `s${toHex(repository.random(8))}-c1`;
    const { id, data } = encryptBlob(crypto, { prefix, suffix }, bytes);
    await repository.storage.put(id, data);
    if (!rules.deletesInputsAtOnce) return;
    for (const { id } of inputs) await repository.storage.delete(id);
  }

  async #advance(): Promise<void> {
    const { repository, plan, tell } = this.#context;
    const view = await viewEpochs(repository.storage);
    const times = (view.uncompacted.get(view.writeEpoch) ?? []).map(({ timestamp }) => timestamp);
    if (times.length < plan.epochCountThreshold) return;
    const sorted = times.toSorted((a, b) => (a < b ? -1 : 1));
    const spanNs = (sorted.at(-1) ?? 0n) - (sorted[0] ?? 0n);
    if (spanNs < BigInt(plan.minEpochDurationNs)) return;
    tell(`advances to epoch ${view.writeEpoch + 1}`);
    await repository.storage.put(`xe${view.writeEpoch + 1}`, utf8Encode("epoch-marker"));
  }

  /** Markers, then index blobs that were compacted long enough ago. */
  async #cleanUp(): Promise<void> {
    const { repository, rules, tell } = this.#context;
    const { storage } = repository;
    const view = await viewEpochs(storage);
    const limit = rules.cleanupLimit(view);
    if (limit === undefined) return;
    for (const { id } of await listSorted(storage, "xe")) {
      const epoch = parseEpoch(id);
      if (epoch !== undefined && epoch < view.writeEpoch - 1) await storage.delete(id);
    }
    for (const { id, timestamp } of await listSorted(storage, "xw")) {
      const marker = { seconds: parseWatermark(id) ?? 0, isOld: timestamp < limit };
      if (rules.mayDeleteWatermark(marker, view)) await storage.delete(id);
    }
    for (const id of supersededBy(view, limit)) {
      tell(`deletes superseded ${id}`);
      await storage.delete(id);
    }
  }

  async #past(task: string): Promise<readonly PastRun[]> {
    const { runs } = await loadSchedule(this.#context.repository);
    return (runs.get(task) ?? []).filter(({ success }) => success);
  }

  async #recorded(task: string, run: () => Promise<void>): Promise<void> {
    const { repository, tell } = this.#context;
    const start = repository.clock.now();
    let error = "";
    try {
      await run();
    } catch (caught) {
      error = String(caught);
      throw caught;
    } finally {
      tell(`${task}: ${error === "" ? "done" : error}`);
      const schedule = await loadSchedule(repository);
      const entry = { start, end: repository.clock.now(), success: error === "", error, extra: [] };
      const runs = new Map(schedule.runs).set(task, [entry, ...(schedule.runs.get(task) ?? [])]);
      await saveSchedule(repository, { ...schedule, runs });
    }
  }
}

function supersededBy(view: EpochView, limit: TimeNs): string[] {
  const superseded: string[] = [];
  for (const [epoch, compaction] of view.singles) {
    if (!compaction.every(({ timestamp }) => timestamp < limit)) continue;
    superseded.push(...(view.uncompacted.get(epoch) ?? []).map(({ id }) => id));
  }
  return superseded;
}

function latestEnd(runs: readonly PastRun[]): TimeNs | undefined {
  return runs.reduce<TimeNs | undefined>(
    (latest, { end }) => (latest === undefined || end > latest ? end : latest),
    undefined,
  );
}
