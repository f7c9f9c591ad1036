import { invert, multiply, power } from "./galois-field.ts";

/** A matrix over GF(2^8): rows of bytes. */
export type GaloisMatrix = readonly Uint8Array[];

/** `V[i][j] = i^j` with 0^0 = 1 (spec 1 §11.4). */
export function vandermonde(rowCount: number, columnCount: number): GaloisMatrix {
  return Array.from({ length: rowCount }, (_, row) =>
    Uint8Array.from({ length: columnCount }, (__, column) => power(row, column)),
  );
}

/** Matrix product. */
export function multiplyMatrices(a: GaloisMatrix, b: GaloisMatrix): GaloisMatrix {
  const columnCount = b[0]?.length ?? 0;
  return a.map((row) => {
    const product = new Uint8Array(columnCount);
    row.forEach((factor, k) => {
      const other = b[k] as Uint8Array;
      for (let column = 0; column < columnCount; column++)
        product[column] = (product[column] as number) ^ multiply(factor, other[column] as number);
    });
    return product;
  });
}

/**
 * Inverse by Gauss–Jordan elimination.
 * @throws RangeError when the matrix is singular, which no selection of rows of the code is.
 */
export function invertMatrix(matrix: GaloisMatrix): GaloisMatrix {
  const size = matrix.length;
  const work: Uint8Array[] = matrix.map((row, index) => {
    const wide = new Uint8Array(2 * size);
    wide.set(row);
    wide[size + index] = 1;
    return wide;
  });
  for (let column = 0; column < size; column++) {
    const pivot = work.findIndex((row, index) => index >= column && row[column] !== 0);
    if (pivot < 0) throw new RangeError("singular matrix");
    [work[column], work[pivot]] = [work[pivot] as Uint8Array, work[column] as Uint8Array];
    eliminate(work, column);
  }
  return work.map((row) => row.subarray(size));
}

function eliminate(work: Uint8Array[], column: number): void {
  const pivotRow = work[column] as Uint8Array;
  const scale = invert(pivotRow[column] as number);
  for (let j = 0; j < pivotRow.length; j++) pivotRow[j] = multiply(pivotRow[j] as number, scale);
  work.forEach((row, index) => {
    const factor = row[column] as number;
    if (index === column || factor === 0) return;
    for (let j = 0; j < row.length; j++)
      row[j] = (row[j] as number) ^ multiply(factor, pivotRow[j] as number);
  });
}
