import { readFileSync } from "node:fs";
import { caseOf } from "./stated-case.ts";
import { fields, list, type Fields, type Json, type VectorCase } from "./vector.ts";

/** Policies as the original program stored and merged them (`record-policies.ts`). */
export function recordedPolicyCases(): VectorCase[] {
  const file = new URL("../../cases/policy-cases.json", import.meta.url);
  const { scenarios } = JSON.parse(readFileSync(file, "utf8")) as { readonly scenarios: Json };
  return list(scenarios).flatMap((value, i) => {
    const { imported, stored, shown } = fields(value);
    return rewritten(fields(imported), fields(stored), i + 1).concat(
      merged(fields(stored), fields(shown), i + 1),
    );
  });
}

/** What was stored of a policy that somebody wrote, where that is another text. */
function rewritten(imported: Fields, stored: Fields, scenario: number): VectorCase[] {
  return Object.entries(imported).flatMap(([target, policy], i) => {
    const before = JSON.stringify(policy);
    const after = JSON.stringify(stored[target]);
    if (i > 0 && before.toLowerCase() === before) return [];
    return [
      caseOf({
        id: `recorded-policies/stored-${scenario}-${i + 1}`,
        section: "16.1",
        operation: "policy.rewrite",
        input: { text: before },
        truth: { text: after },
      }),
    ];
  });
}

function merged(stored: Fields, shown: Fields, scenario: number): VectorCase[] {
  return Object.entries(shown).map(([target, policy], i) => {
    const levels = levelsOf(target).flatMap((level) => {
      const own = stored[level];
      return own === undefined ? [] : [{ target: sourceOf(level), policy: own }];
    });
    return caseOf({
      id: `recorded-policies/merged-${scenario}-${i + 1}`,
      section: "16.3",
      operation: "policy.merge",
      input: { target: sourceOf(target), levels },
      truth: { policy },
    });
  });
}

/** Places whose policies hold for a target, the most specific first. */
function levelsOf(target: string): string[] {
  const [user = "", path = ""] = target.split(":");
  const [, host = ""] = user.split("@");
  const parts = path.split("/").slice(1);
  const paths = parts.map((_, i) => `${user}:/${parts.slice(0, parts.length - i).join("/")}`);
  return [...paths, ...(path === "" ? [] : [`${user}:/`]), user, `@${host}`, "(global)"];
}

function sourceOf(target: string): Fields {
  if (target === "(global)") return { userName: "", host: "", path: "" };
  const [user = "", path = ""] = target.split(":");
  const [userName = "", host = ""] = user.split("@");
  return { userName, host, path };
}
