import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorMessage, goStringify, type JsonObject } from "@kopia-engine/kopia-format";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  createPolicyTree,
  DEFAULT_POLICY,
  enterRoot,
  GLOBAL_TARGET,
  mergePolicies,
  policyFromJson,
  policyHierarchy,
  policyToJson,
  sourcesEqual,
  type IgnoreContext,
  type IgnoreDirectory,
  type Source,
} from "../src/index.ts";

const executable = process.env["KOPIA_EXE"] ?? "";
const runs = Number(process.env["FUZZ_RUNS"] ?? 200);
/** Fixed, so that a failure can be repeated; another one with `FUZZ_SEED`. */
const seed = Number(process.env["FUZZ_SEED"] ?? 20_260_801);

const NAMES = String.raw`a b ab ba a.b 7 A - ] [ !a é a-b ^ a:b 😀`.split(" ");
const ATOMS =
  String.raw`a b * ** / ? [ ] [ab] [!a] [a-b] \ ! - : ^ 7 é [[:alpha:]] [[:digit:]] [:upper:]
a/ **/ /** [a-] [-a] [\]] [a-\b] [] [!] [[:nope:]] [[:ALPHA:]] [[:x]] 😀 [[a] [a- [\[ [: \/`
    .split(/\s/)
    .concat(" ");

let workspace = "";

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), "live-rules-"));
  if (executable !== "")
    kopia("repository", "create", "filesystem", "--path", join(workspace, "repo"));
});
afterAll(() => rmSync(workspace, { recursive: true, force: true }));

/** Standard output of the real program. */
function kopia(...args: readonly string[]): string {
  const config = [`--config-file=${workspace}/config`, `--log-dir=${workspace}/log`];
  const { stdout, stderr, status } = spawnSync(executable, [...config, ...args], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: {
      ...process.env,
      KOPIA_CACHE_DIRECTORY: join(workspace, "cache"),
      KOPIA_PASSWORD: "secret",
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
  });
  if (status !== 0) throw new Error(`${args.join(" ")}: ${stderr}`);
  return stdout;
}

describe.skipIf(executable === "")("the real program agrees (needs KOPIA_EXE)", () => {
  test("on which files random ignore files leave out, and on the words for invalid ones", () => {
    const root = join(workspace, "source");
    makeTrees(root);
    kopia("policy", "set", "--global", "--ignore-dir-errors=true");
    const { rootEntry } = JSON.parse(kopia("snapshot", "create", root, "--json")) as {
      rootEntry: { obj: string; summ: { errors?: { path: string; error: string }[] } };
    };
    const prefix = rootEntry.obj.length + 1;
    const listed = kopia("ls", "-r", rootEntry.obj)
      .split("\n")
      .filter((line) => line !== "");
    const found = walkTree(root);
    expect(found.included.sort()).toEqual(listed.map((line) => line.slice(prefix)).sort());
    const errors = (rootEntry.summ.errors ?? []).map(({ path, error }) => [path, error] as const);
    expect(found.errors).toEqual(new Map(errors));
    expect(errors.length).toBeGreaterThan(0);
  });

  test("on what random policies of all levels come to", () => {
    for (const policies of fc.sample(policySets, { numRuns: Math.ceil(runs / 200), seed })) {
      const file = join(workspace, "policies.json");
      writeFileSync(file, JSON.stringify(policies));
      kopia("policy", "import", "--from-file", file, "--delete-other-policies");
      for (const text of [...TARGETS, "u@h:/a/b/c/d", "v@h:/a", "u@i:/a"]) {
        const shown = kopia(
          "policy",
          "show",
          ...(text === "(global)" ? ["--global"] : [text]),
          "--json",
        );
        expect(effective(policies, text), text).toBe(JSON.stringify(JSON.parse(shown)));
      }
    }
  });
});

/** Many folders with the same kind of files and an ignore file each. */
function makeTrees(root: string): void {
  const pattern = fc
    .tuple(
      fc.constantFrom("", "", "", "!"),
      fc.array(fc.constantFrom(...ATOMS), { minLength: 1, maxLength: 5 }),
    )
    .map(([bang, atoms]) => bang + atoms.join(""));
  const folder = fc.record({
    patterns: fc.array(pattern, { minLength: 1, maxLength: 3 }),
    paths: fc.array(fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 3 }), {
      maxLength: 10,
    }),
  });
  for (const [index, { patterns, paths }] of fc.sample(folder, { numRuns: runs, seed }).entries()) {
    const directory = join(root, `d${index}`);
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, ".kopiaignore"), patterns.join("\n"));
    for (const path of paths) makeFile(directory, path);
  }
}

/** Makes a file unless a file is in the way. */
function makeFile(directory: string, path: readonly string[]): void {
  for (let depth = 1; depth < path.length; depth++) {
    const parent = join(directory, ...path.slice(0, depth));
    if (existsSync(parent) && !statSync(parent).isDirectory()) return;
    mkdirSync(parent, { recursive: true });
  }
  const file = join(directory, ...path);
  if (!existsSync(file)) writeFileSync(file, "x");
}

function walkTree(root: string): { included: string[]; errors: Map<string, string> } {
  const included: string[] = [];
  const errors = new Map<string, string>();
  const walk = (path: string, context: IgnoreContext): void => {
    for (const entry of readdirSync(join(root, path), { withFileTypes: true })) {
      const { name } = entry;
      const isDirectory = entry.isDirectory();
      if (context.ignores({ name, isDirectory, sizeBytes: 1 })) continue;
      const inner = path === "" ? name : `${path}/${name}`;
      try {
        const below = isDirectory ? context.enter(name, directoryAt(join(root, inner))) : undefined;
        included.push(isDirectory ? `${inner}/` : inner);
        if (below !== undefined) walk(inner, below);
      } catch (error) {
        errors.set(inner, errorMessage(error));
      }
    }
  };
  walk("", enterRoot(createPolicyTree(DEFAULT_POLICY), directoryAt(root)));
  return { included, errors };
}

function directoryAt(path: string): IgnoreDirectory {
  return {
    readFile(name, { maxLengthBytes }) {
      const file = join(path, name);
      if (!existsSync(file) || !statSync(file).isFile()) return undefined;
      return new Uint8Array(readFileSync(file).subarray(0, maxLengthBytes));
    },
  };
}

const TARGETS = ["(global)", "@h", "u@h", "u@h:/", "u@h:/a", "u@h:/a/b", "u@h:/a/b/c", "u@h:/a\\b"];
const few = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 1 });
const texts = (...choices: string[]) =>
  few(fc.array(fc.constantFrom(...choices), { maxLength: 3 }));
const flag = few(fc.boolean());
const count = few(fc.nat({ max: 3 }));
const action = few(fc.constantFrom({ path: "/bin/a" }, { script: "x", timeout: 3, mode: "async" }));
const policyJson = fc.record({
  retention: fc.record({ keepLatest: count, keepDaily: count, ignoreIdenticalSnapshots: flag }),
  files: fc.record({
    ignore: texts("z", "a"),
    noParentIgnore: flag,
    ignoreDotFiles: texts(".x", ".a"),
    maxFileSize: count,
    oneFileSystem: flag,
  }),
  errorHandling: fc.record({ ignoreFileErrors: flag, ignoreUnknownTypes: flag }),
  scheduling: fc.record({
    timeOfDay: few(
      fc.array(fc.record({ hour: fc.nat({ max: 3 }), min: fc.nat({ max: 1 }) }), { maxLength: 3 }),
    ),
    noParentTimeOfDay: flag,
    cron: texts("0 0 * * *", "1 1 * * *"),
  }),
  compression: fc.record({
    compressorName: few(fc.constantFrom("none", "zstd")),
    onlyCompress: texts(".a", ".b", ".c"),
    noParentOnlyCompress: flag,
    neverCompress: texts(".a", ".b", ".c"),
    noParentNeverCompress: flag,
    minSize: count,
  }),
  actions: fc.record({ beforeFolder: action, afterFolder: action, beforeSnapshotRoot: action }),
  logging: fc.record({ entries: fc.record({ cacheHit: count }) }),
  upload: fc.record({ parallelUploadAboveSize: count }),
  noParent: fc.constantFrom(false, false, false, false, true),
});
const policySets = fc
  .array(fc.tuple(fc.constantFrom(...TARGETS), policyJson), { minLength: 3, maxLength: 12 })
  .map(
    (pairs) => JSON.parse(JSON.stringify(Object.fromEntries(pairs))) as Record<string, JsonObject>,
  );

function effective(policies: Readonly<Record<string, JsonObject>>, text: string): string {
  const target = targetOf(text);
  const levels = policyHierarchy(target).flatMap((level) =>
    Object.entries(policies)
      .filter(([own]) => sourcesEqual(targetOf(own), level))
      .map(([own, json]) => ({ target: level, policy: policyFromJson(json, own) })),
  );
  return goStringify(policyToJson(mergePolicies(target, levels).policy));
}

function targetOf(text: string): Source {
  const [, userName = "", host = "", path = ""] = /^([^@]*)@([^:]*)(?::(.*))?$/.exec(text) ?? [];
  return text === "(global)" ? GLOBAL_TARGET : { userName, host, path };
}
