import { productsOf } from "./galois-field.ts";

/** `output` := Σ factors[i] · inputs[i] in GF(2^8), byte position by byte position. */
export function combine(
  factors: Uint8Array,
  inputs: readonly Uint8Array[],
  output: Uint8Array,
): void {
  output.fill(0);
  for (let i = 0; i < inputs.length; i++) {
    const factor = factors[i] as number;
    if (factor === 0) continue;
    const products = productsOf(factor);
    const input = inputs[i] as Uint8Array;
    for (let at = 0; at < output.length; at++)
      output[at] = (output[at] as number) ^ (products[input[at] as number] as number);
  }
}
