import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../testing/seeded.ts";
import { EccCodec } from "./ecc-codec.ts";
import { eccParameters } from "./ecc-parameters.ts";
import { ReedSolomon } from "./reed-solomon.ts";
import {
  compiledShardWork,
  CRC_BYTES,
  fastestShardWork,
  PORTABLE_SHARD_WORK,
  type ShardWork,
} from "./shard-work.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 60);
const compiled = compiledShardWork() as ShardWork;

test("the compiled provider is the one in use", () => {
  expect([compiled.provider, fastestShardWork().provider]).toEqual(["fast", "fast"]);
});

/** Every number of rows (even, odd, 2 to 120), shards that fill no tile, several blocks, both codes in turn. */
const shape = fc.record({
  percent: fc.integer({ min: 1, max: 100 }),
  shardBytes: fc.integer({ min: 1, max: 64 }),
  blockCount: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(),
});

test("both providers seal alike", () => {
  fc.assert(
    fc.property(shape, ({ percent, shardBytes, blockCount, seed }) => {
      const { dataShardCount, parityShardCount } = eccParameters(percent);
      for (const [d, p] of [
        [dataShardCount, parityShardCount],
        [6, 2],
      ] as const) {
        const rows = new ReedSolomon(d, p).parityRows;
        const data = seededRandom(seed)(blockCount * d * shardBytes);
        const sealed = compiled.seal(rows, data, shardBytes);
        expect(sealed.parity.length).toBe(blockCount * p * (CRC_BYTES + shardBytes));
        expect(sealed).toEqual(PORTABLE_SHARD_WORK.seal(rows, data, shardBytes));
      }
    }),
    { numRuns: Math.ceil(numRuns / 6) },
  );
});

test("both providers open alike, also what is damaged or cut short", () => {
  fc.assert(
    fc.property(shape, fc.nat(), fc.nat(), ({ shardBytes, blockCount, seed }, at, cut) => {
      const rows = new ReedSolomon(6, 2).parityRows;
      const data = seededRandom(seed)(blockCount * 6 * shardBytes);
      const stored = PORTABLE_SHARD_WORK.seal(rows, data, shardBytes).data.slice();
      const whole = compiled.open(stored, shardBytes);
      expect(whole.wrongCount).toBe(0);
      expect(whole.data).toEqual(data);
      stored[at % stored.length] = (stored[at % stored.length] as number) ^ 1;
      const damaged = stored.subarray(0, stored.length - (cut % (CRC_BYTES + shardBytes)));
      const opened = compiled.open(damaged, shardBytes);
      expect(opened).toEqual(PORTABLE_SHARD_WORK.open(damaged, shardBytes));
      expect(opened.wrongCount).toBe(opened.good.filter((is) => is === 0).length);
    }),
    { numRuns },
  );
});

test("a message of many batches is the same from both, and each repairs what the other wrote", () => {
  const message = seededRandom(8)(700_001);
  for (const percent of [1, 4, 10, 60]) {
    const fast = new EccCodec(percent);
    const portable = new EccCodec(percent, PORTABLE_SHARD_WORK);
    const stored = fast.encode(message);
    expect(Buffer.compare(stored, portable.encode(message))).toBe(0);
    for (let at = 999; at < stored.length; at += 299_993)
      stored[at] = (stored[at] as number) ^ 0x10;
    const repaired = portable.decode(stored);
    expect(repaired.repairedShardCount).toBeGreaterThan(1);
    expect(Buffer.compare(repaired.message, message)).toBe(0);
    expect(Buffer.compare(fast.decode(stored).message, message)).toBe(0);
    expect(fast.decode(stored).repairedShardCount).toBe(repaired.repairedShardCount);
  }
});
