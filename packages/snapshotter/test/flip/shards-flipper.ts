import { readFileSync, writeFileSync } from "node:fs";
import { openFilesystemStorage } from "@kopia-engine/kopia-format";
import { tempDirectory, type TempDirectory } from "../temp-directory.ts";
import { formatByKey, openForChecks } from "./checks.ts";
import { applyDamage, describeDamage, type Damage } from "./damage.ts";
import {
  Flipper,
  describeContents,
  see,
  verdictOf,
  type CheckResult,
  type KnownCheck,
  type Verdict,
} from "./flipper.ts";
import type { HeldBlob } from "./observed-storage.ts";
import type { ReferenceRepository } from "./reference-repository.ts";

/** Damages `.shards`, the one file of a repository in a directory that is no blob: every check is run. */
export class ShardsFlipper implements Disposable {
  /** The file, undamaged. */
  readonly file: HeldBlob;
  readonly #directory: TempDirectory;
  readonly #reference: ReferenceRepository;
  readonly #checks: readonly KnownCheck[];

  private constructor(
    directory: TempDirectory,
    reference: ReferenceRepository,
    checks: readonly KnownCheck[],
  ) {
    this.#directory = directory;
    this.#reference = reference;
    this.#checks = checks;
    const data = new Uint8Array(readFileSync(directory.join(".shards")));
    this.file = { id: ".shards", data, timestamp: 0n };
  }

  /** Writes the repository into a directory. */
  static async create(reference: ReferenceRepository): Promise<ShardsFlipper> {
    const directory = tempDirectory();
    const storage = await openFilesystemStorage({ path: directory.path, dirShards: [1, 3] });
    for (const { id, data, timestamp } of reference.blobs)
      await storage.put(id, data, { timestamp });
    await storage.close();
    const { checks } = await Flipper.create(reference);
    return new ShardsFlipper(directory, reference, checks);
  }

  /** Damages the file and looks at everything. */
  async judge(damage: Damage): Promise<Verdict> {
    writeFileSync(this.#directory.join(".shards"), applyDamage(this.file, damage).data);
    const results = await this.#results();
    return verdictOf(results, { what: describeDamage(damage), isRepaired: false });
  }

  [Symbol.dispose](): void {
    this.#directory[Symbol.dispose]();
  }

  async #results(): Promise<CheckResult[]> {
    const [format, open, ...rest] = this.#checks as [KnownCheck, KnownCheck, ...KnownCheck[]];
    const { path } = this.#directory;
    const results: CheckResult[] = [];
    const opened = await see(async () => {
      const storage = await openFilesystemStorage({ path, readOnly: true });
      results.push([format, await see(() => formatByKey(storage, this.#reference))]);
      const repository = await openForChecks(storage, this.#reference, () => {});
      for (const check of rest) results.push([check, await see(() => check.run(repository))]);
      return describeContents(repository);
    });
    // A format that does not open ends everything: nothing behind it was seen by anybody.
    const first = results[0];
    if (first !== undefined && !("text" in first[1])) return [first];
    return [...results, [open, opened]];
  }
}
