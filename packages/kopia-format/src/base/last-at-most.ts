/**
 * Position of the last of some ascending numbers that is at most `value`; of equal ones the last. It is for finding to whom
 * a number belongs, where each owner has those from its first number on.
 * @param firsts not empty; the first of them is at most `value`.
 */
export function lastAtMost(firsts: readonly number[], value: number): number {
  let low = 0;
  let high = firsts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((firsts[middle] as number) <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
