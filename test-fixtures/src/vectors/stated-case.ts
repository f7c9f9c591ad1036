import type { Fields, Provenance, VectorCase } from "./vector.ts";

/** Bytes or words of the original program itself. */
export const RECORDED: Provenance = "recorded from the original program";
/** From a standard's own test vectors. */
export const STANDARD: Provenance = "published standard";
/** Two independent implementations agree. */
export const BOTH: Provenance = "computed by two providers";

/** Bytes counting up from `first`, in hex: the keys and secrets of most vectors. */
export function counting(first: number, count = 32): string {
  return Array.from({ length: count }, (_, i) => (first + i).toString(16).padStart(2, "0")).join(
    "",
  );
}

/** Hex of a text. */
export function hexOf(text: string): string {
  return Buffer.from(text, "utf8").toString("hex");
}

/** A case as a row; without a provenance it is `recorded` when there is a truth, else `computed`. */
export type CaseRow = readonly [
  id: string,
  section: string,
  provenance: Provenance | undefined,
  operation: string,
  input: Fields,
  truth?: Fields | undefined,
];

/** A case from a row. */
export function caseOfRow(
  ...[id, section, provenance, operation, input, truth]: CaseRow
): VectorCase {
  const known = provenance === undefined ? {} : { provenance };
  return caseOf({ id, section, operation, input, truth, ...known });
}

interface CaseOptions {
  readonly id: string;
  readonly section: string;
  readonly operation: string;
  readonly input: Fields;
  readonly truth?: Fields | undefined;
  readonly provenance?: Provenance;
}

/** A case whose provenance is `recorded` when there is a truth, else `computed`. */
export function caseOf({ truth, provenance, ...rest }: CaseOptions): VectorCase {
  const refused = truth?.["refused"] === true;
  const known = truth === undefined || refused ? "computed" : RECORDED;
  return { ...rest, provenance: provenance ?? known, ...(truth === undefined ? {} : { truth }) };
}
