import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { loadFixture } from "@kopia-engine/test-fixtures";
import { createWorkplace, type RunResult, type Workplace } from "../run-kopia.ts";
import type { MatrixRow, MatrixScenario } from "./matrix-row.ts";
import { showPath } from "./show-path.ts";

/** The real program, where there is one. */
export const KOPIA = process.env["KOPIA_EXE"] ?? "";

/** A row and what came of it. */
export interface MatrixResult {
  readonly row: MatrixRow;
  readonly run: RunResult;
}

const PASSWORD = "test-password";

/** Runs a scenario by this program, or by the real one, in a new place. */
export async function runScenario(
  scenario: MatrixScenario,
  who: "ours" | "theirs",
): Promise<readonly MatrixResult[]> {
  const fixture = scenario.fixture === undefined ? undefined : loadFixture(scenario.fixture);
  const password = fixture?.password ?? PASSWORD;
  using place = createWorkplace({
    KOPIA_PASSWORD: password,
    TZ: "UTC",
    KOPIA_CHECK_FOR_UPDATES: "false",
  });
  if (fixture !== undefined) {
    using unpacked = fixture.unpack();
    cpSync(unpacked.path, join(place.path, "fixture"), {
      recursive: true,
      preserveTimestamps: true,
    });
  }
  const results: MatrixResult[] = [];
  const saved = new Map<string, string>();
  for (const row of scenario.rows) {
    prepareFiles(place, row);
    const argv = row.argv.map((word) =>
      word
        .replace(/(^|=)@(?=\/|$)/, `$1${place.path}`)
        .replaceAll(/\{(\w+)\}/g, (text, name: string) => saved.get(name) ?? text),
    );
    const run =
      who === "ours"
        ? await place.run(argv, {
            ...(row.env !== undefined && { env: row.env }),
            ...(row.stdin !== undefined && { stdin: Buffer.from(row.stdin) }),
          })
        : runReal(place, argv, { row, password });
    for (const [name, pattern] of Object.entries(row.save ?? {}))
      saved.set(name, pattern.exec(run.stdout + run.stderr)?.[1] ?? `no-${name}`);
    const shown = (row.shows ?? []).map((name) => showPath(place.path, name)).join("");
    const masks = [...(row.masks ?? []), ...(scenario.masks ?? [])];
    const { unordered = false } = row;
    results.push({
      row,
      run: masked({ ...run, stdout: run.stdout + shown }, { place: place.path, masks, unordered }),
    });
  }
  return results;
}

/** Leaves out what this program adds to Kopia's messages. */
export function withoutAdvice(run: RunResult): RunResult {
  const stderr = run.stderr
    .split("\n")
    .filter((line) => !/^ {2}(cause|what to do): /.test(line))
    .join("\n");
  return { ...run, stderr };
}

/** When files of the rows were changed. */
const MODIFIED = new Date("2024-01-02T03:04:05Z");

function prepareFiles(place: Workplace, { files = {}, removes = [] }: MatrixRow): void {
  for (const name of removes) rmSync(join(place.path, name), { recursive: true, force: true });
  for (const [name, text] of Object.entries(files)) {
    const path = join(place.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.replaceAll("@/", `${place.path}/`), { mode: 0o755 });
  }
  for (const name of Object.keys(files))
    for (let path = name; path !== "."; path = dirname(path))
      utimesSync(join(place.path, path), MODIFIED, MODIFIED);
}

function runReal(
  place: Workplace,
  argv: readonly string[],
  { row, password }: { readonly row: MatrixRow; readonly password: string },
): RunResult {
  const run = spawnSync(KOPIA, ["--timezone=utc", ...argv], {
    encoding: "utf8",
    cwd: place.path,
    input: row.stdin ?? "",
    timeout: 60_000,
    env: {
      PATH: process.env["PATH"],
      HOME: place.path,
      XDG_CACHE_HOME: join(place.path, "cache"),
      TZ: "UTC",
      KOPIA_PASSWORD: password,
      KOPIA_CONFIG_PATH: join(place.path, "repository.config"),
      KOPIA_CHECK_FOR_UPDATES: "false",
      ...row.env,
    },
  });
  return { exitCode: run.status ?? -1, stdout: run.stdout, stderr: run.stderr };
}

const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)/g, "<TIME>"],
  [/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)? (UTC|[A-Z]{3,4})/g, "<TIME>"],
  [/\b\d{14}_[0-9a-f]{4}\b/g, "<LOG>"],
  [/_log_\S+?_[0-9a-f]{32}\b/g, "<LOG-BLOB>"],
  [/\b([pqx][a-z]?[0-9]*_?)[0-9a-f]{32}-s[0-9a-f]{17,20}(-c\d+)?/g, "$1<BLOB>"],
  [/-s[0-9a-f]{17,20}\b/g, "-<SESSION>"],
  [/[0-9a-f]{64}/g, "<HASH>"],
  [/(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])/g, "<ID>"],
  [/cache\/kopia\/[0-9a-f]{16}/g, "cache/kopia/<CACHE>"],
  [/^(Storage (?:capacity|available): +).*$/gm, "$1<SIZE>"],
  [/"(capacity|available)":( ?)\d+/g, '"$1":$2<SIZE>'],
  [/--token \S+/g, "--token <TOKEN>"],
];

function masked(
  run: RunResult,
  how: {
    readonly place: string;
    readonly masks: readonly (readonly [RegExp, string])[];
    readonly unordered: boolean;
  },
): RunResult {
  const mask = (text: string): string => {
    let result = text.replaceAll(how.place, "@");
    for (const [pattern, name] of [...how.masks, ...MASKS])
      result = result.replaceAll(pattern, name);
    return result;
  };
  const ordered = (text: string): string =>
    how.unordered
      ? text
          .split("\n")
          .toSorted((a, b) => (a < b ? -1 : 1))
          .join("\n")
      : text;
  return {
    exitCode: run.exitCode,
    stdout: ordered(mask(run.stdout)),
    stderr: ordered(mask(run.stderr)),
  };
}
