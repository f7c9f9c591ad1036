import { NS_PER_MS, type Clock, type TimeNs } from "../base/clock.ts";
import { ClaimTable } from "./claim-table.ts";
import type { IndexLoader } from "./index-loader.ts";
import type {
  PackedContents,
  PackingGrant,
  PackingThreads,
  SharedContentView,
} from "./packing-threads.ts";
import type { SessionUnit } from "./session-unit.ts";

/** What a session leads its threads with. */
export interface AttachedThreadsOptions {
  readonly threads: PackingThreads;
  readonly loader: IndexLoader;
  readonly clock: Clock;
  readonly maxTrustedAgeMs: number;
  readonly hashBytes: number;
}

/**
 * Room for what comes between two flushes, so that claims are hardly ever moved: five MiB, which take memory
 * only where they are used.
 */
const CLAIM_SLOTS = 2 ** 18;

/** A session's side of the threads that write packs for it: grants, the shared view, and handing over. */
export class AttachedThreads {
  readonly #options: AttachedThreadsOptions;
  #claims: ClaimTable;
  #trustedUntil: TimeNs;

  constructor(options: AttachedThreadsOptions) {
    this.#options = options;
    this.#claims = ClaimTable.create(options.hashBytes, CLAIM_SLOTS);
    this.#trustedUntil = this.#trustLimit();
  }

  /** Permission to write packs of a unit. @throws KopiaError storage errors. */
  async grant(unit: SessionUnit): Promise<PackingGrant> {
    return { sessionId: await unit.lend(), view: this.#view() };
  }

  /**
   * Brings everything that threads packed under one unit into it; they go on under the next.
   * @throws KopiaError what the threads failed with.
   */
  async handOver(
    unit: SessionUnit,
    next: SessionUnit | undefined,
  ): Promise<readonly PackedContents[]> {
    const grant = next === undefined ? undefined : await this.grant(next);
    const packed = await this.#options.threads.handOver(grant);
    for (const part of packed) unit.adopt(part);
    unit.endLending();
    return packed;
  }

  /** Contents that some thread has stored since the last flush, or is about to. */
  get claimCount(): number {
    return this.#claims.claimCount;
  }

  /** Whether the session's own thread is the one to store the content of this hash. */
  claim(hash: Uint8Array): boolean {
    return this.#claims.claim(hash);
  }

  /** After a flush the index itself knows what had been claimed: the claims start anew. */
  afterFlush(): void {
    this.#claims = ClaimTable.create(this.#options.hashBytes, CLAIM_SLOTS);
    this.#update();
  }

  /** Posts a newer index, or more room for claims, when there is need. */
  refresh(): void {
    const isCrowded = this.#claims.isCrowded;
    if (isCrowded) this.#claims = this.#claims.grown();
    if (isCrowded || this.#trustLimit() !== this.#trustedUntil) this.#update();
  }

  #update(): void {
    this.#options.threads.updateView(this.#view());
  }

  #view(): SharedContentView {
    this.#trustedUntil = this.#trustLimit();
    return {
      index: this.#options.loader.index.share(),
      trustedUntil: this.#trustedUntil,
      claims: this.#claims.parts(),
    };
  }

  /** Time of loading, which `ageMs` counts from, and the longest age. */
  #trustLimit(): TimeNs {
    const { loader, maxTrustedAgeMs } = this.#options;
    if (!Number.isFinite(maxTrustedAgeMs)) return NEVER;
    return BigInt(Math.floor(maxTrustedAgeMs - loader.ageMs(0n))) * NS_PER_MS;
  }
}

/** Later than any time of a clock. */
const NEVER: TimeNs = 2n ** 63n - 1n;
