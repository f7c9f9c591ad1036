import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allCases, familyOf, resultOf, sameJson, vectorFile } from "./vectors/all-families.ts";
import { runVector } from "./vectors/run-vector.ts";
import type { Vector } from "./vectors/vector.ts";

const DIRECTORY = new URL("../vectors/", import.meta.url);
const FORMAT = readFileSync(new URL("../../docs/FORMAT.md", import.meta.url), "utf8");

function readVectors(file: string): readonly Vector[] {
  const { vectors } = JSON.parse(readFileSync(new URL(file, DIRECTORY), "utf8")) as {
    readonly vectors: readonly Vector[];
  };
  return vectors;
}

/** Operations that two libraries can do; all others run the same code whatever the provider. */
const HAS_TWO_PROVIDERS = /^(hash|cipher|compression|splitter|blob|session\.marker|pack\.tail)/;

/** The splitter's own tests run the long inputs with both providers; of those a few are enough here. */
const IS_LONG = /^splitters\/(?!DYNAMIC-(128K|2M)-).*\/64-mib$/;

const results = new Map<string, ReturnType<typeof runVector>>();

/** Both tests below run the same: once is enough. */
function runFast(vectorCase: Parameters<typeof runVector>[0]): ReturnType<typeof runVector> {
  const { id, operation, input } = vectorCase;
  const key = `${id} ${operation} ${JSON.stringify(input)}`;
  const known = results.get(key) ?? runVector(vectorCase, "fast");
  results.set(key, known);
  return known;
}

async function wrongOf(checked: readonly Vector[], run: typeof runFast): Promise<string[]> {
  const wrong: string[] = [];
  for (const vector of checked) {
    const result = await run(vector);
    if (!sameJson(result, vector.expected)) wrong.push(`${vector.id}: ${JSON.stringify(result)}`);
  }
  return wrong;
}

const files = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith(".json"))
  .sort();
const vectors = files.flatMap(readVectors);

test("there are enough, each with an ID of its own", () => {
  expect(vectors.length).toBeGreaterThanOrEqual(1000);
  expect(new Set(vectors.map(({ id }) => id)).size).toBe(vectors.length);
});

test("most of them do not rest on this program alone", () => {
  const own = vectors.filter(({ provenance }) => provenance === "computed");
  expect(own.length / vectors.length).toBeLessThan(0.5);
});

test.each(files)("every vector of %s holds with the fast provider", async (file) => {
  expect(await wrongOf(readVectors(file), runFast)).toEqual([]);
});

test("the committed vectors hold with the portable provider", async () => {
  const checked = vectors.filter(
    ({ id, operation }) => HAS_TWO_PROVIDERS.test(operation) && !IS_LONG.test(id),
  );
  expect(checked.length).toBeGreaterThan(500);
  expect(await wrongOf(checked, (vector) => runVector(vector, "portable"))).toEqual([]);
});

test("generating them again gives the committed files", async () => {
  const again: Vector[] = [];
  for (const vectorCase of allCases()) again.push(await resultOf(vectorCase, runFast));
  const families = Map.groupBy(again, familyOf);
  expect([...families.keys()].map((family) => `${family}.json`).sort()).toEqual(files);
  for (const [family, members] of families) {
    const committed = readFileSync(new URL(`${family}.json`, DIRECTORY), "utf8");
    expect(vectorFile(family, members) === committed, `${family}.json is out of date`).toBe(true);
  }
});

describe("docs/FORMAT.md", () => {
  const sections = new Set(
    [...FORMAT.matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, number = ""]) => number),
  );

  test("has the section of every vector", () => {
    const missing = vectors.filter(({ section }) => !sections.has(section));
    expect([...new Set(missing.map(({ section }) => section))]).toEqual([]);
  });

  test("names every family of vectors", () => {
    const families = files.map((file) => file.replace(".json", ""));
    expect(families.filter((family) => !FORMAT.includes(`vectors/${family}.json`))).toEqual([]);
  });

  test("says what every operation does", () => {
    const operations = new Set(vectors.map(({ operation }) => operation));
    expect([...operations].filter((name) => !FORMAT.includes(`\`${name}\``))).toEqual([]);
  });

  test("names only vectors that exist", () => {
    const ids = new Set(vectors.map(({ id }) => id));
    const families = new Set(vectors.map(familyOf));
    const named = [...FORMAT.matchAll(/`([a-z-]+)\/([\w./*:-]+)`/g)].filter(([, family = ""]) =>
      families.has(family),
    );
    const unknown = named
      .map(([, family = "", rest = ""]) => `${family}/${rest}`)
      .filter((id) =>
        id.endsWith("*")
          ? !vectors.some((vector) => vector.id.startsWith(id.slice(0, -1)))
          : !ids.has(id),
      );
    expect(named.length).toBeGreaterThan(50);
    expect(unknown).toEqual([]);
  });
});
