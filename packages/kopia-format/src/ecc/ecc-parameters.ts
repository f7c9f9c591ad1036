import { KopiaError } from "../base/errors.ts";

/** Shape of the code for one overhead percentage (spec 1 §11.1). */
export interface EccParameters {
  readonly maxShardBytes: number;
  readonly dataShardCount: number;
  readonly parityShardCount: number;
}

/** Messages that fit into so many bytes with their length use the small case: 6 data, 2 parity shards. */
export const SMALL_CASE: Omit<EccParameters, "maxShardBytes"> = {
  dataShardCount: 6,
  parityShardCount: 2,
};

/** The percentages below 8 depend on single-precision arithmetic, hence a table: [M, D, P]. */
const LOW_OVERHEAD: readonly (readonly [number, number, number])[] = [
  [1024, 254, 2],
  [512, 164, 2],
  [256, 139, 2],
  [128, 228, 2],
  [128, 128, 2],
  [128, 128, 3],
  [64, 254, 2],
];

/**
 * Parameters for an overhead of 1 to 100 percent.
 * @throws KopiaError `FORMAT_INVALID_PARAMETER`.
 */
export function eccParameters(overheadPercent: number): EccParameters {
  if (!Number.isInteger(overheadPercent) || overheadPercent < 1 || overheadPercent > 100)
    throw new KopiaError(
      "FORMAT_INVALID_PARAMETER",
      `ECC overhead of ${overheadPercent} % is not a whole number from 1 to 100`,
      { details: { overheadPercent } },
    );
  const low = LOW_OVERHEAD[overheadPercent - 1];
  if (low !== undefined) {
    const [maxShardBytes, dataShardCount, parityShardCount] = low;
    return { maxShardBytes, dataShardCount, parityShardCount };
  }
  const parityShardCount = Math.floor((128 * (100 * overheadPercent - 625)) / 10_000);
  return { maxShardBytes: 64, dataShardCount: 128, parityShardCount };
}
