import fc from "fast-check";
import { expect, test } from "vitest";
import { ObjectIdSet } from "./object-id-set.ts";

const hexDigits = fc.constantFrom(..."0123456789abcdef".split(""));
// Few different digits at few places, so that equal IDs and equal beginnings are frequent.
const hash = fc
  .tuple(fc.constantFrom(32, 64), fc.array(hexDigits, { minLength: 1, maxLength: 2 }))
  .map(([length, digits]) => digits.join("").repeat(length).slice(0, length));
const objectId = fc
  .tuple(fc.constantFrom("", "", "I", "Ix", "k", "Z"), hash)
  .map((p) => p.join(""));

test("behaves as a set of the texts, where hashes differ in their first 128 bits", () => {
  fc.assert(
    fc.property(fc.array(objectId, { maxLength: 100 }), (ids) => {
      const set = new ObjectIdSet();
      const model = new Set<string>();
      // Unprefixed hashes are compared by 128 bits; real ones never differ only after these.
      const key = (id: string): string => (/^[0-9a-f]/.test(id) ? id.slice(0, 32) : id);
      for (const id of ids) {
        const isNew = !model.has(key(id));
        model.add(key(id));
        expect(set.add(id)).toBe(isNew);
      }
      expect(set.size).toBe(model.size);
    }),
  );
});

test("keeps everything while it grows", () => {
  const set = new ObjectIdSet();
  const id = (index: number): string => (index * 2_654_435_761).toString(16).padStart(32, "a");
  for (let index = 0; index < 20_000; index++) expect(set.add(id(index))).toBe(true);
  for (let index = 0; index < 20_000; index++) expect(set.add(id(index))).toBe(false);
  expect(set.size).toBe(20_000);
});
