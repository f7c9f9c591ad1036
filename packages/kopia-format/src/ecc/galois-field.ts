/**
 * Arithmetic in GF(2^8) with the polynomial x^8+x^4+x^3+x^2+1 and generator 2 (spec 1 §11.4).
 * Addition is XOR.
 */
const POLYNOMIAL = 0x11d;

interface Tables {
  readonly exp: Uint8Array;
  readonly log: Uint8Array;
  /** `products[a * 256 + b]` = a · b: one lookup in the inner loops. */
  readonly products: Uint8Array;
}

// Filled on first use: most repositories have no error correction.
let filled: Tables | undefined;
const tables = (): Tables => (filled ??= fillTables());

/** Product of two elements. */
export function multiply(a: number, b: number): number {
  return tables().products[(a << 8) | b] as number;
}

/** The 256 products of one element, for loops over bytes. */
export function productsOf(a: number): Uint8Array {
  return tables().products.subarray(a << 8, (a << 8) + 256);
}

/** Multiplicative inverse. @throws RangeError for 0, which has none. */
export function invert(a: number): number {
  if (a === 0) throw new RangeError("0 has no inverse in GF(256)");
  const { exp, log } = tables();
  return exp[255 - (log[a] as number)] as number;
}

/** `a` to the power `exponent`, with 0^0 = 1. */
export function power(a: number, exponent: number): number {
  if (exponent === 0) return 1;
  if (a === 0) return 0;
  const { exp, log } = tables();
  return exp[((log[a] as number) * exponent) % 255] as number;
}

function fillTables(): Tables {
  const exp = new Uint8Array(510);
  const log = new Uint8Array(256);
  const products = new Uint8Array(65_536);
  let value = 1;
  for (let exponent = 0; exponent < 255; exponent++) {
    exp[exponent] = value;
    exp[exponent + 255] = value;
    log[value] = exponent;
    value <<= 1;
    if (value > 255) value ^= POLYNOMIAL;
  }
  for (let a = 1; a < 256; a++)
    for (let b = 1; b < 256; b++)
      products[(a << 8) | b] = exp[(log[a] as number) + (log[b] as number)] as number;
  return { exp, log, products };
}
