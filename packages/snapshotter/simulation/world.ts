import { openRepository, type Clock, type Repository } from "@kopia-engine/kopia-format";
import { ClientStorage, type ClientOperation, type Fate } from "./client-storage.ts";
import type { RepositoryTemplate } from "./repository-template.ts";
import type { SeededChoices } from "./seeded-choices.ts";
import { SharedStorage } from "./shared-storage.ts";
import { DAY, HOUR, MINUTE, SimulatedTime } from "./simulated-time.ts";
import { SnapshotLedger } from "./snapshot-ledger.ts";
import { MAX_LATE_NS, MAX_LIST_LAG_NS, type ClientPlan, type WorldPlan } from "./world-plan.ts";

/** 2026-01-01T00:00:00Z. */
const START_NS = 1_767_225_600_000_000_000n;

/** A wrong thing that was found: a lost content, garbage that stays, an error nobody caused. */
export class WorldFailure extends Error {
  override readonly name = "WorldFailure";
}

/** One run of a program at a client, from start to end or death. */
export interface ClientProcess {
  readonly repository: Repository;
  readonly storage: ClientStorage;
  readonly choices: SeededChoices;
}

/** What becomes of a process, drawn when it starts. */
interface ProcessFate {
  /** At which of its operations, or the first put from there on; 0 for never. */
  readonly killAt: number;
  readonly killEffect: "none" | "whole" | "torn" | "late";
  readonly failAt: number;
  /** At which of its puts. */
  readonly suspendAt: number;
}

/** The storage, the time, and what everybody knows to be true. */
export class World {
  readonly plan: WorldPlan;
  readonly time = new SimulatedTime(START_NS);
  readonly shared: SharedStorage;
  readonly ledger = new SnapshotLedger();
  /** Half-written blobs that a person removed, and when. */
  readonly removedTorn = new Map<string, bigint>();
  readonly #template: RepositoryTemplate;
  readonly #log: ((line: string) => void) | undefined;
  /** No more new work; processes that still run die at their next operation. */
  closing = false;
  operationCount = 0;
  crashCount = 0;
  /** How often what happened. */
  readonly tally = new Map<string, number>();

  constructor(plan: WorldPlan, template: RepositoryTemplate, log?: (line: string) => void) {
    this.plan = plan;
    this.#template = template;
    this.#log = log;
    this.shared = new SharedStorage(this.time, 2 * MAX_LIST_LAG_NS);
    for (const [id, data] of template.blobs) this.shared.put("creator", id, data);
  }

  /** Tells the log, when somebody listens. */
  tell(who: string, text: () => string): void {
    if (this.#log === undefined) return;
    const sinceStart = Number(this.time.now - START_NS);
    const days = Math.floor(sinceStart / DAY);
    const hours = Math.floor((sinceStart % DAY) / HOUR);
    const minutes = Math.floor((sinceStart % HOUR) / MINUTE);
    const two = (value: number): string => String(value).padStart(2, "0");
    this.#log(`day ${two(days)} ${two(hours)}:${two(minutes)}  ${who.padEnd(12)} ${text()}`);
  }

  /** Counts something that happened. */
  count(what: string): void {
    this.tally.set(what, (this.tally.get(what) ?? 0) + 1);
  }

  /** Starts a program at a client: it will open the repository, and anything may happen to it. */
  startProcess(
    client: ClientPlan,
    wait: (durationNs: number) => Promise<void>,
    choices: SeededChoices,
  ): { readonly storage: ClientStorage; open(): Promise<ClientProcess> } {
    const fate = this.#drawFate(choices);
    this.count(`runs of ${describeKind(client)}`);
    const count = { operations: 0, puts: 0 };
    const storage = new ClientStorage({
      shared: this.shared,
      time: this.time,
      client: client.name,
      wait,
      listLagNs: client.listLagNs,
      fateOf: (operation) => this.#fateOf(fate, choices, count, operation),
      onFate: ({ kind, id }, what) => {
        if (!this.closing) this.count(fateName(what));
        this.tell(client.name, () => `${kind} ${id}: ${describeFate(what)}`);
      },
      isClosed: () => this.closing,
      onChange: ({ kind, id }) => this.tell(client.name, () => `${kind} ${id}`),
    });
    const open = async (): Promise<ClientProcess> => ({
      repository: await this.#open(storage, client, choices),
      storage,
      choices,
    });
    return { storage, open };
  }

  /** Opens the repository as it really is now: nothing goes wrong, nothing lags. */
  observe(choices: SeededChoices, name = "observer"): Promise<Repository> {
    const storage = new ClientStorage({
      shared: this.shared,
      time: this.time,
      client: name,
      wait: () => Promise.resolve(),
      listLagNs: 0,
      fateOf: () => ({ kind: "none" }),
      onFate: () => {},
      isClosed: () => false,
      onChange: ({ kind, id }) => this.tell(name, () => `${kind} ${id}`),
    });
    return this.#open(storage, { name, skewNs: 0 }, choices);
  }

  #open(
    storage: ClientStorage,
    client: Pick<ClientPlan, "name" | "skewNs">,
    choices: SeededChoices,
  ): Promise<Repository> {
    const skewNs = BigInt(client.skewNs);
    const clock: Clock = {
      now: () => this.time.now + skewNs,
      sleep: () => Promise.resolve(),
    };
    return openRepository(storage, {
      password: "",
      format: this.#template.format,
      client: { username: client.name, hostname: "host", readOnly: false, description: "" },
      clock,
      random: choices.bytes(),
    });
  }

  #drawFate(choices: SeededChoices): ProcessFate {
    const { killChance, failChance, suspendChance, tears } = this.plan.trouble;
    const at = (chance: number): number => (choices.chance(chance) ? 1 + choices.below(50) : 0);
    return {
      killAt: at(killChance),
      killEffect: choices.pick(["none", "whole", "late", tears ? "torn" : "none"]),
      failAt: at(failChance),
      suspendAt: choices.chance(suspendChance) ? 1 + choices.below(6) : 0,
    };
  }

  #fateOf(
    fate: ProcessFate,
    choices: SeededChoices,
    count: { operations: number; puts: number },
    operation: ClientOperation,
  ): Fate {
    this.operationCount++;
    const nth = ++count.operations;
    if (operation.kind === "put") count.puts++;
    if (this.closing) return { kind: "kill", effect: "none", lateNs: 0 };
    if (isKilledBy(fate, nth, operation)) {
      this.crashCount++;
      return { kind: "kill", effect: fate.killEffect, lateNs: choices.between(0, MAX_LATE_NS) };
    }
    if (nth === fate.failAt) return { kind: "fail", takesEffect: choices.chance(0.5) };
    if (operation.kind === "put" && count.puts === fate.suspendAt) {
      return { kind: "slow", beforeNs: choices.between(0.2, 8) * DAY, afterNs: 0 };
    }
    const { slowChance, maxSlowNs, damagedCompactionChance } = this.plan.trouble;
    if (operation.kind === "put" && /^x[rs]/.test(operation.id)) {
      if (choices.chance(damagedCompactionChance)) return { kind: "damage" };
    }
    if (slowChance === 0 || !choices.chance(slowChance)) return { kind: "none" };
    const durationNs = choices.between(0, 1) ** 3 * maxSlowNs;
    const share = choices.between(0, 1);
    return { kind: "slow", beforeNs: durationNs * share, afterNs: durationNs * (1 - share) };
  }
}

/** Only a put can be torn: who is to die in the middle of one lives until then. */
function isKilledBy(fate: ProcessFate, nth: number, { kind }: ClientOperation): boolean {
  if (fate.killAt === 0 || nth < fate.killAt) return false;
  return fate.killEffect !== "torn" || kind === "put";
}

function describeKind(client: ClientPlan): string {
  const rules = "kind" in client ? `s by ${client.kind === "ours" ? "our" : "Kopia's"} rules` : "s";
  return client.name.replace(/\d+$/, "") + rules;
}

function fateName(fate: Fate): string {
  switch (fate.kind) {
    case "none":
      return "nothing";
    case "slow":
      return fate.beforeNs + fate.afterNs > 0.2 * DAY ? "stood still for days" : "slow operations";
    case "fail":
      return fate.takesEffect ? "failed operations, yet done" : "failed operations";
    case "damage":
      return "compactions stored in part";
    case "kill":
      return `deaths, effect of the operation: ${fate.effect}`;
  }
}

function describeFate(fate: Fate): string {
  const minutes = (durationNs: number): string => `${Math.round(durationNs / MINUTE)} min`;
  switch (fate.kind) {
    case "none":
      return "done";
    case "slow":
      return `takes ${minutes(fate.beforeNs)}, and ${minutes(fate.afterNs)} until the answer`;
    case "fail":
      return fate.takesEffect ? "fails, yet is done" : "fails";
    case "damage":
      return "seems done, but only half of it is stored";
    case "kill":
      return `the process dies (effect: ${fate.effect}${fate.effect === "late" ? `, in ${minutes(fate.lateNs)}` : ""})`;
  }
}
