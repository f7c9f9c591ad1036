/**
 * Lets the original program merge policies that were made up from a seed, and keeps what it says:
 *
 *     KOPIA_EXE=/path/to/kopia node test-fixtures/src/vectors/record-policies.ts
 *
 * writes `test-fixtures/cases/policy-cases.json`, from which vectors are generated: what was imported, what the
 * program stored of it, and what holds for some targets.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COMPRESSOR_NAMES, SPLITTER_NAMES } from "@kopia-engine/kopia-format";
import { seededRandom } from "@kopia-engine/kopia-format/testing";

type Json = string | number | boolean | readonly Json[] | { readonly [name: string]: Json };

const SCENARIOS = 60;
/** Where policies may be, the most general first. */
const TARGETS = [
  "(global)",
  "@host",
  "user@host",
  "user@host:/a",
  "user@host:/a/b",
  "user@host:/a/b/c",
];
/** Whose policy is asked for: also of places that have none of their own. */
const ASKED = [
  "user@host:/a/b/c/d",
  "user@host:/a/b",
  "user@host:/x",
  "other@host:/a",
  "user@host",
];

const random = seededRandom(20);
const below = (limit: number): number => {
  const [a = 0, b = 0] = random(2);
  return (a * 256 + b) % limit;
};
const oneOf = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
const someOf = <T>(choices: readonly T[]): T[] => choices.filter(() => below(3) === 0);

/** Values of every field, as the program accepts them. */
const FIELDS: Readonly<Record<string, () => Json>> = {
  "retention.keepLatest": () => below(5),
  "retention.keepHourly": () => below(5),
  "retention.keepDaily": () => below(5),
  "retention.keepWeekly": () => below(5),
  "retention.keepMonthly": () => below(5),
  "retention.keepAnnual": () => below(5),
  "retention.ignoreIdenticalSnapshots": trueOrFalse,
  "files.ignore": () => someOf(["*.o", "/tmp", "!keep", "a b", "é"]),
  "files.noParentIgnore": trueOrFalse,
  "files.ignoreDotFiles": () => someOf([".ignore", ".kopiaignore", ".gitignore"]),
  "files.noParentDotFiles": trueOrFalse,
  "files.ignoreCacheDirs": trueOrFalse,
  "files.maxFileSize": () => oneOf([0, 1, 2 ** 40]),
  "files.oneFileSystem": trueOrFalse,
  "errorHandling.ignoreFileErrors": trueOrFalse,
  "errorHandling.ignoreDirectoryErrors": trueOrFalse,
  "errorHandling.ignoreUnknownTypes": trueOrFalse,
  "scheduling.intervalSeconds": () => oneOf([0, 60, 3600]),
  "scheduling.timeOfDay": () =>
    someOf([
      { hour: 9, min: 0 },
      { hour: 0, min: 5 },
      { hour: 23, min: 59 },
    ]),
  "scheduling.noParentTimeOfDay": trueOrFalse,
  "scheduling.manual": trueOrFalse,
  "scheduling.cron": () => someOf(["0 1 * * *", "*/5 * * * *"]),
  "scheduling.runMissed": trueOrFalse,
  "compression.compressorName": () => oneOf(["", "none", ...COMPRESSOR_NAMES]),
  "compression.onlyCompress": () => someOf([".txt", ".a", ".log"]),
  "compression.noParentOnlyCompress": trueOrFalse,
  "compression.neverCompress": () => someOf([".gz", ".zip", ".a"]),
  "compression.noParentNeverCompress": trueOrFalse,
  "compression.minSize": () => oneOf([0, 10, 4096]),
  "compression.maxSize": () => oneOf([0, 2 ** 33]),
  "metadataCompression.compressorName": () => oneOf(["", "none", "zstd"]),
  "splitter.algorithm": () => oneOf(["", ...SPLITTER_NAMES]),
  "actions.beforeFolder": action,
  "actions.afterFolder": action,
  "actions.beforeSnapshotRoot": action,
  "actions.afterSnapshotRoot": action,
  "osSnapshots.volumeShadowCopy.enable": () => below(3),
  "logging.directories.snapshotted": () => below(11),
  "logging.directories.ignored": () => below(11),
  "logging.entries.snapshotted": () => below(11),
  "logging.entries.ignored": () => below(11),
  "logging.entries.cacheHit": () => below(11),
  "logging.entries.cacheMiss": () => below(11),
  "upload.maxParallelFileReads": () => below(4),
  "upload.parallelUploadAboveSize": () => oneOf([0, 2 ** 20]),
  noParent: () => below(4) === 0,
};

function trueOrFalse(): boolean {
  return below(2) === 0;
}

function action(): Json {
  return {
    path: oneOf(["/bin/true", "C:\\x"]),
    ...(below(2) === 0 && { args: ["-a", "b c"] }),
    ...(below(2) === 0 && { timeout: below(100) }),
    ...(below(2) === 0 && { mode: oneOf(["essential", "optional", "async"]) }),
  };
}

/** A policy as somebody might have written it: members in any case, sections left out. */
function randomPolicy(): Json {
  const density = 2 + below(8);
  const document: Record<string, Json> = {};
  for (const [path, value] of Object.entries(FIELDS)) {
    if (below(density) !== 0) continue;
    const names = path.split(".");
    let section = document;
    for (const name of names.slice(0, -1)) {
      section = (section[name] ??= {}) as Record<string, Json>;
    }
    section[names.at(-1) as string] = value();
  }
  const scheduling = document["scheduling"] as Record<string, Json> | undefined;
  // The program refuses a manual source that has times.
  if (scheduling?.["manual"] === true) document["scheduling"] = { manual: true };
  return below(3) === 0 ? inOtherCase(document) : document;
}

/** Go finds members whatever their case. */
function inOtherCase(document: Record<string, Json>): Json {
  const change = below(2) === 0 ? (s: string) => s.toUpperCase() : (s: string) => s.toLowerCase();
  return Object.fromEntries(
    Object.entries(document).map(([name, value]) => [
      below(2) === 0 ? name : change(name),
      typeof value === "object" && !Array.isArray(value)
        ? inOtherCase(value as Record<string, Json>)
        : value,
    ]),
  );
}

const executable = process.env["KOPIA_EXE"] ?? "";
const place = mkdtempSync(join(tmpdir(), "policies-"));
const kopia = (...argv: readonly string[]): string =>
  execFileSync(executable, argv, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      HOME: place,
      TZ: "UTC",
      KOPIA_PASSWORD: "policies",
      KOPIA_CONFIG_PATH: join(place, "config"),
      KOPIA_CACHE_DIRECTORY: join(place, "cache"),
      KOPIA_LOG_DIR: join(place, "log"),
      KOPIA_CHECK_FOR_UPDATES: "false",
    },
  });

try {
  const identity = ["--override-username=user", "--override-hostname=host"];
  kopia("repository", "create", "filesystem", `--path=${join(place, "repo")}`, ...identity);
  const scenarios = Array.from({ length: SCENARIOS }, () => {
    const imported = Object.fromEntries(
      TARGETS.filter(() => below(2) === 0).map((target) => [target, randomPolicy()]),
    );
    const file = join(place, "policies.json");
    writeFileSync(file, JSON.stringify(imported));
    kopia("policy", "import", `--from-file=${file}`, "--delete-other-policies");
    const stored = JSON.parse(kopia("policy", "export")) as Json;
    const asked = [oneOf(ASKED), oneOf(ASKED)];
    const shown = Object.fromEntries(
      asked.map((target) => [
        target,
        JSON.parse(kopia("policy", "show", target, "--json")) as Json,
      ]),
    );
    return { imported, stored, shown };
  });
  const about =
    "Policies as the original program (head after 0.23.1) stores and merges them: policy import, export, show --json.";
  const lines = scenarios.map((scenario) => JSON.stringify(scenario)).join(",\n");
  const target = fileURLToPath(new URL("../../cases/policy-cases.json", import.meta.url));
  writeFileSync(target, `{"about":${JSON.stringify(about)},"scenarios":[\n${lines}\n]}\n`);
  console.log(`${scenarios.length} scenarios, ${readFileSync(target).length} bytes`);
} finally {
  rmSync(place, { recursive: true });
}
