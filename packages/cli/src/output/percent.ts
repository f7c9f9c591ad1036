import { fixedOneDecimal } from "./sizes.ts";

/** Share that compression saved: `56.2%`, `0%` where nothing was saved (spec 2 §9.3). */
export function compressionPercent(originalBytes: number, packedBytes: number): string {
  if (packedBytes >= originalBytes) return "0%";
  return `${fixedOneDecimal(100 * (1 - packedBytes / originalBytes))}%`;
}
