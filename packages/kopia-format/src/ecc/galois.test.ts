import { expect, test } from "vitest";
import { seededRandom } from "../testing/seeded.ts";
import { invert, multiply, power, productsOf } from "./galois-field.ts";
import { invertMatrix, multiplyMatrices, vandermonde } from "./galois-matrix.ts";

const elements = Array.from({ length: 256 }, (_, i) => i);

/** Multiplication by shifts, as the polynomial says it. */
function slowProduct(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    let term = (b >> bit) & 1 ? a : 0;
    for (let i = 0; i < bit; i++) term = (term << 1) ^ (term & 0x80 ? 0x11d : 0);
    product ^= term;
  }
  return product;
}

test("products are those of the polynomial, also row by row", () => {
  for (const a of elements) {
    const row = productsOf(a);
    for (const b of elements) {
      expect(multiply(a, b) === slowProduct(a, b) && row[b] === multiply(a, b)).toBe(true);
    }
  }
});

test("inverses and powers", () => {
  for (const a of elements.slice(1)) expect(multiply(a, invert(a))).toBe(1);
  expect(() => invert(0)).toThrow("0 has no inverse");
  expect([power(0, 0), power(0, 3), power(7, 0), power(7, 1)]).toEqual([1, 0, 1, 7]);
  expect(power(3, 5)).toBe(multiply(power(3, 2), power(3, 3)));
});

test("an inverted matrix undoes the matrix, rows in any order; a singular one has no inverse", () => {
  const identity = elements
    .slice(0, 6)
    .map((row) => Uint8Array.from({ length: 6 }, (_, i) => (i === row ? 1 : 0)));
  const random = seededRandom(4);
  const some = vandermonde(40, 6);
  for (let round = 0; round < 20; round++) {
    const rows = new Set<number>();
    while (rows.size < 6) rows.add((random(1)[0] as number) % 40);
    const matrix = [...rows].map((row) => some[row] as Uint8Array);
    expect(multiplyMatrices(matrix, invertMatrix(matrix))).toEqual(identity);
  }
  // The first pivot is zero: rows are exchanged.
  const turned = [...identity].reverse();
  expect(multiplyMatrices(turned, invertMatrix(turned))).toEqual(identity);
  const row = Uint8Array.of(3, 5);
  expect(() => invertMatrix([row, row])).toThrow("singular matrix");
  expect(multiplyMatrices([], [])).toEqual([]);
});
