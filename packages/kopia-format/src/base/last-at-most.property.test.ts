import * as fc from "fast-check";
import { expect, test } from "vitest";
import { lastAtMost } from "./last-at-most.ts";

test("it is the owner that a walk through all of them finds", () => {
  const lengths = fc.array(fc.nat(5), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(lengths, fc.nat(200), (owned, value) => {
      let first = 0;
      const firsts = owned.map((length) => (first += length) - length);
      expect(lastAtMost(firsts, value)).toBe(firsts.findLastIndex((start) => start <= value));
    }),
  );
});
