import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { allCases, familyOf, resultOf, sameJson, vectorFile } from "./vectors/all-families.ts";
import { runVector } from "./vectors/run-vector.ts";
import type { Provider, Vector } from "./vectors/vector.ts";

const DIRECTORY = new URL("../vectors/", import.meta.url);
const FORMAT = readFileSync(new URL("../../docs/FORMAT.md", import.meta.url), "utf8");

function readVectors(file: string): readonly Vector[] {
  const { vectors } = JSON.parse(readFileSync(new URL(file, DIRECTORY), "utf8")) as {
    readonly vectors: readonly Vector[];
  };
  return vectors;
}

const results = new Map<string, ReturnType<typeof runVector>>();

/** Both tests below run the same: once is enough. */
function runOnce(
  vectorCase: Parameters<typeof runVector>[0],
  provider: Provider,
): ReturnType<typeof runVector> {
  const { id, operation, input } = vectorCase;
  const key = `${provider} ${id} ${operation} ${JSON.stringify(input)}`;
  const known = results.get(key) ?? runVector(vectorCase, provider);
  results.set(key, known);
  return known;
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

test.each(["fast", "portable"] satisfies Provider[])(
  "every committed vector holds with the %s provider",
  async (provider) => {
    const wrong: string[] = [];
    for (const vector of vectors) {
      const result = await runOnce(vector, provider);
      if (!sameJson(result, vector.expected)) wrong.push(`${vector.id}: ${JSON.stringify(result)}`);
    }
    expect(wrong).toEqual([]);
  },
);

test("generating them again gives the committed files", async () => {
  const again: Vector[] = [];
  for (const vectorCase of allCases()) again.push(await resultOf(vectorCase, runOnce));
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
