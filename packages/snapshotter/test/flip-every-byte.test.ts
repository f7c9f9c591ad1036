import { fuzzRuns, seededRandom } from "@kopia-engine/kopia-format/testing";
import { expect, test } from "vitest";
import type { Damage } from "./flip/damage.ts";
import { Flipper, verdictOf } from "./flip/flipper.ts";
import type { HeldBlob } from "./flip/observed-storage.ts";
import { REFERENCE_FORMATS, makeReference } from "./flip/reference-repository.ts";
import { ShardsFlipper } from "./flip/shards-flipper.ts";

/** Of some hundred thousand damages for each format; `pnpm flip-every-byte` tries all of them. */
const runs = fuzzRuns(400);
/** How many of them are judged without any saving as well. */
const WHOLLY = 6;

/** Damages that depend on the seed alone, each byte of the repository as likely as the others. */
function* randomDamages(blobs: readonly HeldBlob[], count: number): Generator<Damage> {
  const random = seededRandom(11);
  const below = (limit: number): number => {
    const [a = 0, b = 0, c = 0] = random(3);
    return (a * 65_536 + b * 256 + c) % limit;
  };
  const total = blobs.reduce((sum, { data }) => sum + data.length, 0);
  for (let i = 0; i < count; i++) {
    let offset = below(total);
    const blob = blobs.find(({ data }) => {
      const isHere = offset < data.length;
      if (!isHere) offset -= data.length;
      return isHere;
    }) as HeldBlob;
    const byte = blob.data[offset] as number;
    const change = below(4) === 0 ? "cut" : (byte + 1 + below(255)) % 256;
    yield { blobId: blob.id, offset, change };
  }
}

test.each(Object.keys(REFERENCE_FORMATS))(
  "whatever byte of a repository (%s) is damaged: it is noticed, or all reads as before",
  async (name) => {
    const reference = await makeReference(name);
    const flipper = await Flipper.create(reference);
    const outcomes = new Map<string, number>();
    for (const damage of randomDamages(reference.blobs, runs)) {
      const { outcome, reason } = await flipper.judge(damage);
      expect(reason).toBeUndefined();
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // A judge that sees nothing would find everything harmless.
    expect(outcomes.get("detected")).toBeGreaterThan(runs / 10);
    expect(outcomes.has("repaired")).toBe(name === "ecc");
    for (const damage of randomDamages(reference.blobs, WHOLLY)) {
      const [narrow, whole] = [await flipper.judge(damage), await flipper.judgeWholly(damage)];
      expect(narrow.outcome === "unread" ? { outcome: "same" } : narrow).toEqual(whole);
    }
  },
);

test("whatever byte of .shards is damaged: it is noticed, or all reads as before", async () => {
  using flipper = await ShardsFlipper.create(await makeReference("v3"));
  const outcomes = new Set<string>();
  for (const damage of randomDamages([flipper.file], runs / 2)) {
    const { outcome, reason } = await flipper.judge(damage);
    expect(reason).toBeUndefined();
    outcomes.add(outcome);
  }
  expect(outcomes).toContain("detected");
});

test("a judge of damages notices what nobody else does", async () => {
  const reference = await makeReference("v3");
  const flipper = await Flipper.create(reference);
  const content = flipper.checks.find(({ name }) => name.startsWith("content "));
  const blind = { ...(content as NonNullable<typeof content>), expected: "something else" };
  const seen = { text: "what is there" };
  expect(verdictOf([[blind, seen]], { what: "x", isRepaired: false }).outcome).toBe("harmful");
  const refused = verdictOf([[blind, { code: "CONTENT_CORRUPT" }]], {
    what: "x",
    isRepaired: false,
  });
  // Reading fails, verification does not: nobody would be told in time.
  expect(refused).toMatchObject({ outcome: "harmful" });
});
