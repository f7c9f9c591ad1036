import { damagesOf, type Damage } from "./damage.ts";
import { Flipper, type Outcome, type Verdict } from "./flipper.ts";
import type { HeldBlob } from "./observed-storage.ts";
import { REFERENCE_FORMATS, makeReference } from "./reference-repository.ts";
import { ShardsFlipper } from "./shards-flipper.ts";

/*
 * Damages every byte of small repositories, one after the other, and says what came of it. Arguments: names of
 * formats (v3, v2, v1, ecc), `shards`, or names of recorded repositories. Exit 1 when anything harmful went
 * unnoticed.
 */
const MAX_REPORTED = 50;

const names = process.argv.slice(2);
let harmfulCount = 0;
for (const name of names.length > 0 ? names : [...Object.keys(REFERENCE_FORMATS), "shards"]) {
  harmfulCount += name === "shards" ? await flipShards() : await flipBlobs(name);
}
process.exitCode = harmfulCount > 0 ? 1 : 0;

async function flipBlobs(name: string): Promise<number> {
  const reference = await makeReference(name);
  const flipper = await Flipper.create(reference);
  console.log(`${name}: ${reference.blobs.length} blobs, ${flipper.checks.length} checks`);
  return flipAll(name, reference.blobs, (damage) => flipper.judge(damage));
}

async function flipShards(): Promise<number> {
  using flipper = await ShardsFlipper.create(await makeReference("v3"));
  return await flipAll(".shards", [flipper.file], (damage) => flipper.judge(damage));
}

async function flipAll(
  name: string,
  blobs: readonly HeldBlob[],
  judge: (damage: Damage) => Promise<Verdict>,
): Promise<number> {
  const tally: Record<Outcome, number> = {
    unread: 0,
    same: 0,
    repaired: 0,
    detected: 0,
    harmful: 0,
  };
  for (const blob of blobs) {
    for (const damage of damagesOf(blob)) {
      const { outcome, reason } = await judge(damage);
      tally[outcome]++;
      if (reason !== undefined && tally.harmful <= MAX_REPORTED) console.log(`  HARMFUL ${reason}`);
    }
  }
  const byteCount = blobs.reduce((sum, { data }) => sum + data.length, 0);
  const caseCount = Object.values(tally).reduce((a, b) => a + b);
  console.log(`${name}: ${byteCount} bytes, ${caseCount} damages: ${JSON.stringify(tally)}`);
  return tally.harmful;
}
