import { blobCases } from "./blob-families.ts";
import { cipherCases } from "./cipher-families.ts";
import { eccCases } from "./ecc-families.ts";
import { hashCases } from "./hash-families.ts";
import { indexCases } from "./index-families.ts";
import { keyCases } from "./key-families.ts";
import { directoryCases } from "./directory-families.ts";
import { jsonCases, objectCases } from "./object-families.ts";
import { connectionCases, patternCases, policyCases } from "./policy-families.ts";
import { ignoreTreeCases, recordedCases, retentionCases } from "./recorded-families.ts";
import { recordedPolicyCases } from "./recorded-policies.ts";
import { runVector } from "./run-vector.ts";
import { shardingCases } from "./sharding-families.ts";
import { splitterCases } from "./splitter-families.ts";
import type { Fields, Json, Vector, VectorCase } from "./vector.ts";

/** Every case, in the order of the files. */
export function allCases(): VectorCase[] {
  return [
    ...shardingCases(),
    ...keyCases(),
    ...hashCases(),
    ...cipherCases(),
    ...eccCases(),
    ...splitterCases(),
    ...indexCases(),
    ...blobCases(),
    ...objectCases(),
    ...jsonCases(),
    ...directoryCases(),
    ...policyCases(),
    ...patternCases(),
    ...connectionCases(),
    ...recordedCases(),
    ...recordedPolicyCases(),
    ...retentionCases(),
    ...ignoreTreeCases(),
  ];
}

/** Family of a vector: the part of its ID before the first slash, and the name of its file. */
export function familyOf({ id }: Pick<Vector, "id">): string {
  return id.split("/", 1)[0] ?? "";
}

/**
 * The result of a case.
 * @throws Error when the two providers differ, or when it is not what the independent truth says.
 */
export async function resultOf(vectorCase: VectorCase, run = runVector): Promise<Vector> {
  const { truth = {}, ...rest } = vectorCase;
  const expected = await run(rest, "fast");
  const portable = await run(rest, "portable");
  if (!sameJson(expected, portable)) {
    throw new Error(`${rest.id}: providers differ: ${show(expected)} and ${show(portable)}`);
  }
  for (const [name, value] of Object.entries(truth)) {
    if (!sameJson(expected[name] ?? null, value)) {
      throw new Error(`${rest.id}: ${name} is ${show(expected[name])}, must be ${show(value)}`);
    }
  }
  return { ...rest, expected };
}

function show(value: Json | Fields | undefined): string {
  return (JSON.stringify(value) ?? "absent").slice(0, 300);
}

/** Deep equality of JSON values, whatever the order of members. */
export function sameJson(a: Json, b: Json): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => sorted(item as Json));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value as Fields).map(
    ([name, item]) => [name, sorted(item)] as const,
  );
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The file of one family: a vector a line. */
export function vectorFile(family: string, vectors: readonly Vector[]): string {
  const about =
    "One vector a line: docs/FORMAT.md says what the operations are and where each section is.";
  const lines = vectors.map((vector) => JSON.stringify(vector)).join(",\n");
  return `{\n"family": ${JSON.stringify(family)},\n"about": ${JSON.stringify(about)},\n"vectors": [\n${lines}\n]\n}\n`;
}
