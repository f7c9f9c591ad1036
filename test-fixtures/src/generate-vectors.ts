/**
 * Writes the vectors of the written format:
 *
 *     node test-fixtures/src/generate-vectors.ts
 *
 * Every case runs with both providers and is compared with its independent truth, where there is one.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { allCases, familyOf, resultOf, vectorFile } from "./vectors/all-families.ts";
import type { Vector } from "./vectors/vector.ts";

const DIRECTORY = new URL("../vectors/", import.meta.url);

const vectors: Vector[] = [];
const problems: string[] = [];
for (const vectorCase of allCases()) {
  try {
    vectors.push(await resultOf(vectorCase));
  } catch (error) {
    problems.push(String(error));
  }
}
const ids = vectors.map(({ id }) => id);
for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i)))
  problems.push(`${id} twice`);
if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exitCode = 1;
} else {
  mkdirSync(DIRECTORY, { recursive: true });
  for (const file of readdirSync(DIRECTORY)) rmSync(new URL(file, DIRECTORY));
  const families = Map.groupBy(vectors, familyOf);
  for (const [family, members] of families) {
    writeFileSync(new URL(`${family}.json`, DIRECTORY), vectorFile(family, members));
    console.log(`${family}: ${members.length}`);
  }
  console.log(`${vectors.length} vectors in ${families.size} files`);
}
