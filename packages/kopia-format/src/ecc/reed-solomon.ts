import { combine } from "./combine-shards.ts";
import { type GaloisMatrix, invertMatrix, multiplyMatrices, vandermonde } from "./galois-matrix.ts";

/**
 * Systematic Reed–Solomon code over equal-length shards (spec 1 §11.4): the encoding matrix is
 * V · (top of V)^-1, so the first rows are the identity and the last ones give the parity shards.
 */
export class ReedSolomon {
  readonly dataShardCount: number;
  readonly parityShardCount: number;
  /** The factors of each parity shard, one for each data shard. */
  readonly parityRows: GaloisMatrix;
  readonly #matrix: GaloisMatrix;

  /** Together at most 256 shards. */
  constructor(dataShardCount: number, parityShardCount: number) {
    this.dataShardCount = dataShardCount;
    this.parityShardCount = parityShardCount;
    const full = vandermonde(dataShardCount + parityShardCount, dataShardCount);
    this.#matrix = multiplyMatrices(full, invertMatrix(full.slice(0, dataShardCount)));
    this.parityRows = this.#matrix.slice(dataShardCount);
  }

  /**
   * Rebuilds missing data shards in place. `present` tells, for data shards and then parity shards,
   * which ones are good; the others are only written to.
   * @returns whether enough shards were good.
   */
  reconstruct(
    data: readonly Uint8Array[],
    parity: readonly Uint8Array[],
    present: readonly boolean[],
  ): boolean {
    const shards = [...data, ...parity];
    const usable = present.flatMap((good, index) => (good ? [index] : [])).slice(0, data.length);
    if (usable.length < data.length) return false;
    const decode = invertMatrix(usable.map((index) => this.#matrix[index] as Uint8Array));
    const inputs = usable.map((index) => shards[index] as Uint8Array);
    data.forEach((shard, index) => {
      if (present[index] !== true) combine(decode[index] as Uint8Array, inputs, shard);
    });
    return true;
  }
}
