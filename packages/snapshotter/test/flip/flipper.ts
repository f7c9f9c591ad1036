import { isKopiaError, type Repository } from "@kopia-engine/kopia-format";
import { allChecks, formatByKey, formatByPassword, openForChecks, type Check } from "./checks.ts";
import { applyDamage, describeDamage, type Damage } from "./damage.ts";
import { ObservedStorage, type Access } from "./observed-storage.ts";
import type { ReferenceRepository } from "./reference-repository.ts";

/** What a damage came to. */
export type Outcome =
  /** Nothing that anybody does looks at that byte. */
  | "unread"
  /** Somebody read it, and everything is as before. */
  | "same"
  /** Error correction rebuilt it: everything is as before, and it was said. */
  | "repaired"
  /** A typed error wherever it matters, and nothing else differs. */
  | "detected"
  /** Something reads differently and nobody noticed, or an error that is not typed. */
  | "harmful";

/** Outcome and, where it is harmful, why. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly reason?: string;
}

/** A check with what it sees in the undamaged repository. */
export interface KnownCheck extends Check {
  readonly expected: string;
  readonly accesses: readonly Access[];
}

/** Result of one check on a damaged repository: what it saw, or the code of its error. */
export type Seen =
  | { readonly text: string }
  | { readonly code: string }
  | { readonly crash: string };

/** A check and its result. */
export type CheckResult = readonly [check: KnownCheck, seen: Seen];

/**
 * Damages one repository again and again. Only checks that looked at the damaged place when nothing was
 * damaged are run: the others would read the very bytes they read then, and see the same.
 */
export class Flipper {
  readonly reference: ReferenceRepository;
  readonly #storage: ObservedStorage;
  readonly #repository: Repository;
  readonly #format: KnownCheck;
  /** Opening, which every other check begins with. */
  readonly #open: KnownCheck;
  readonly #checks: readonly KnownCheck[];
  readonly #repairs: { count: number };

  private constructor(parts: {
    reference: ReferenceRepository;
    storage: ObservedStorage;
    repository: Repository;
    checks: readonly KnownCheck[];
    repairs: { count: number };
  }) {
    const [format, open, ...checks] = parts.checks;
    this.reference = parts.reference;
    this.#storage = parts.storage;
    this.#repository = parts.repository;
    this.#format = format as KnownCheck;
    this.#open = open as KnownCheck;
    this.#checks = checks;
    this.#repairs = parts.repairs;
  }

  /** Looks at everything once, undamaged. */
  static async create(reference: ReferenceRepository): Promise<Flipper> {
    const storage = new ObservedStorage(reference.blobs);
    const repairs = { count: 0 };
    const onRepair = (): void => {
      repairs.count++;
    };
    const repository = await openForChecks(storage, reference, onRepair);
    const first: readonly Check[] = [
      { name: "format", run: () => formatByKey(storage, reference) },
      {
        name: "open",
        async run() {
          const opened = await openForChecks(storage, reference, onRepair);
          return describeContents(opened);
        },
      },
    ];
    const checks: KnownCheck[] = [];
    for (const check of [...first, ...(await allChecks(repository))]) {
      let expected = "";
      const accesses = await storage.observe(async () => {
        expected = await check.run(repository);
      });
      checks.push({ ...check, expected, accesses });
    }
    return new Flipper({ reference, storage, repository, checks, repairs });
  }

  /** All checks: the format, opening, and what can be done then. */
  get checks(): readonly KnownCheck[] {
    return [this.#format, this.#open, ...this.#checks];
  }

  /** Damages, looks at what the damage can change, and undoes it. */
  async judge(damage: Damage): Promise<Verdict> {
    return this.#withDamage(damage, async () => {
      const affected = this.checks.filter(({ accesses }) =>
        accesses.some((access) => isAffected(access, damage)),
      );
      if (affected.length === 0) return { outcome: "unread" };
      // What cannot be opened is not looked at further; what opens in spite of it is looked at wholly.
      const opening = await this.#seenBy(affected.filter((check) => this.#isOpening(check)));
      if (opening.some(([, seen]) => !("text" in seen))) return this.#verdict(opening, damage);
      const isOpenedAnew = affected.includes(this.#open);
      const checks = isOpenedAnew ? this.#checks : affected;
      const repository = isOpenedAnew ? await this.#openAgain() : this.#repository;
      const rest = checks.filter((check) => !this.#isOpening(check));
      return this.#verdict([...opening, ...(await this.#seenBy(rest, repository))], damage);
    });
  }

  /** The same without any saving: the key derived, everything opened afresh, every check run. */
  async judgeWholly(damage: Damage): Promise<Verdict> {
    return this.#withDamage(damage, async () => {
      const { password } = this.reference;
      const format = await see(() => formatByPassword(this.#storage, password));
      const opening: CheckResult[] = [[this.#format, format]];
      if ("text" in format) opening.push(...(await this.#seenBy([this.#open])));
      if (opening.some(([, seen]) => !("text" in seen))) return this.#verdict(opening, damage);
      const all = await this.#seenBy(this.#checks, await this.#openAgain());
      return this.#verdict([...opening, ...all], damage);
    });
  }

  async #withDamage(damage: Damage, judge: () => Promise<Verdict>): Promise<Verdict> {
    const blob = this.reference.blobs.find(({ id }) => id === damage.blobId);
    if (blob === undefined) throw new Error(`there is no blob ${damage.blobId}`);
    this.#storage.damage(applyDamage(blob, damage));
    this.#repairs.count = 0;
    try {
      return await judge();
    } finally {
      this.#storage.damage(undefined);
    }
  }

  #isOpening(check: KnownCheck): boolean {
    return check === this.#format || check === this.#open;
  }

  #openAgain(): Promise<Repository> {
    return openForChecks(this.#storage, this.reference, () => {
      this.#repairs.count++;
    });
  }

  async #seenBy(
    checks: readonly KnownCheck[],
    repository = this.#repository,
  ): Promise<CheckResult[]> {
    const results: CheckResult[] = [];
    for (const check of checks) results.push([check, await see(() => check.run(repository))]);
    return results;
  }

  #verdict(results: readonly CheckResult[], damage: Damage): Verdict {
    return verdictOf(results, {
      what: describeDamage(damage),
      isRepaired: this.#repairs.count > 0,
    });
  }
}

/** What a damage came to, by what every check saw. */
export function verdictOf(
  results: readonly CheckResult[],
  { what, isRepaired }: { readonly what: string; readonly isRepaired: boolean },
): Verdict {
  const harmful = (problem: string): Verdict => ({
    outcome: "harmful",
    reason: `${what}: ${problem}`,
  });
  const refused = new Set<string>();
  for (const [{ name, expected }, seen] of results) {
    if ("crash" in seen) return harmful(`${name}: ${seen.crash}`);
    if ("code" in seen) refused.add(name);
    else if (seen.text !== expected) return harmful(`${name} reads differently`);
  }
  for (const [{ name, verifiedBy }] of results) {
    if (verifiedBy !== undefined && refused.has(name) && !refused.has(verifiedBy)) {
      return harmful(`${verifiedBy} misses what ${name} meets`);
    }
  }
  if (refused.size > 0) return { outcome: "detected" };
  return { outcome: isRepaired ? "repaired" : "same" };
}

/** Runs a check and takes its error for a result. */
export async function see(run: () => Promise<string>): Promise<Seen> {
  try {
    return { text: await run() };
  } catch (error) {
    return isKopiaError(error) ? { code: error.code } : { crash: String(error) };
  }
}

/** Everything that opening loads. */
export function describeContents(repository: Repository): string {
  const entries = [...repository.contents.contents({ includeDeleted: true })];
  return JSON.stringify([repository.contents.watermarkSeconds, entries]);
}

function isAffected(access: Access, { blobId, offset, change }: Damage): boolean {
  if ("lengthsOf" in access) return change === "cut" && blobId.startsWith(access.lengthsOf);
  if (access.id !== blobId || access.end <= offset) return false;
  return change === "cut" || access.start <= offset;
}
