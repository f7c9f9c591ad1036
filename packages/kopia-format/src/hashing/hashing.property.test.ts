import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededBytes } from "../testing/index.ts";
import { HASH_NAMES, createHashFunction } from "./registry.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 30);

// Lengths around the block sizes of all hash functions, and beyond the transfer buffer of the
// WebAssembly ones (16 KiB).
const lengths = fc.oneof(fc.nat(300), fc.integer({ min: 16_300, max: 16_500 }), fc.nat(70_000));

for (const name of HASH_NAMES) {
  test(`${name}: both providers agree`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(1, 16, 31, 32), lengths, async (...input) => {
        const [seed, secretLength, length] = input;
        const secret = seededBytes(seed, secretLength);
        // A view into a larger array: offsets must be respected.
        const data = seededBytes(seed + 1, length + 7).subarray(3, length + 3);
        const fast = await createHashFunction(name, secret, "fast");
        const portable = await createHashFunction(name, secret, "portable");
        expect(fast.hash(data)).toEqual(portable.hash(data));
      }),
      { numRuns: Math.ceil(numRuns / 3) },
    );
  });
}

const BLAKE2B_NAMES = HASH_NAMES.filter((name) => name.startsWith("BLAKE2B"));

for (const name of BLAKE2B_NAMES) {
  test(`${name}: several messages at once have the hashes of each`, async () => {
    const counts = fc.array(
      fc.oneof(
        fc.nat(300),
        fc.nat(3).map((blocks) => 128 * blocks),
        lengths,
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(0, 1, 32, 64), counts, async (...input) => {
        const [seed, secretLength, messageLengths] = input;
        const secret = seededBytes(seed, secretLength);
        const fast = await createHashFunction(name, secret, "fast");
        const messages = messageLengths.map((length, i) =>
          seededBytes(seed + i, length + 7).subarray(3, length + 3),
        );
        const each = messages.map((message) => fast.hash(message));
        expect(fast.hashMany?.(messages)).toEqual(each);
        const portable = await createHashFunction(name, secret, "portable");
        expect(each[0]).toEqual(messages[0] && portable.hash(messages[0]));
      }),
      { numRuns },
    );
  });
}

test("more messages, and longer ones, than the kernel holds", async () => {
  const fast = await createHashFunction("BLAKE2B-256-128", seededBytes(1, 32), "fast");
  const many = Array.from({ length: 600 }, (_, i) => seededBytes(i, 40));
  const long = [2 ** 19 - 1, 2 ** 19, 2 ** 19 + 1, 2 ** 18].map((length) => seededBytes(1, length));
  for (const messages of [many, long]) {
    const each = messages.map((message) => fast.hash(message));
    const hashes = fast.hashMany?.(messages) ?? [];
    expect(hashes.map((hash) => Buffer.from(hash).toString("hex"))).toEqual(
      each.map((hash) => Buffer.from(hash).toString("hex")),
    );
  }
});
