import {
  chownSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { JOB_UID, type JobRun, type JobSpec, jobSuite } from "./job-container.ts";
import { JUDGES, type ListedSnapshot, kopia, snapshotsOf } from "./repository-view.ts";

const KOPIA_EXE = process.env["KOPIA_EXE"];
const ORIGINAL = fileURLToPath(new URL("../original/original-commands.sh", import.meta.url));
const FILES = 60;
/** Files and the link. */
const ENTRIES = FILES + 1;
/** What a snapshot of an unchanged source may add: its manifest, and the index that names it. */
const MAX_ADDED_BYTES = 20_000;

const suite = jobSuite((own) => {
  mkdirSync(join(own.data, "inner"));
  for (let index = 0; index < FILES; index++)
    write(join(own.data, "inner", `file-${index}`), `${index} `.repeat(500 * (index + 1)));
  symlinkSync("inner/file-1", join(own.data, "link"));
  lchownSync(join(own.data, "link"), JOB_UID, JOB_UID);
  chownSync(join(own.data, "inner"), JOB_UID, JOB_UID);
});

function check(name: string, run: () => Promise<void>): void {
  if (KOPIA_EXE === undefined) test.skip(`${name} (needs KOPIA_EXE)`, () => {});
  else suite.check(name, run);
}

function write(path: string, text: string): void {
  writeFileSync(path, text);
  chownSync(path, JOB_UID, JOB_UID);
}

/** A mover of the suite: ours, or the real program with the commands of the original one. */
type Mover = "ours" | "original";

async function run(mover: Mover, spec: JobSpec): Promise<JobRun> {
  const job = await suite.bench.run(mover === "ours" ? spec : original(spec));
  expect(job.exitCode, `${mover} ${spec.args?.join(" ")}: ${job.output}`).toBe(0);
  return job;
}

function original(spec: JobSpec): JobSpec {
  const exe = KOPIA_EXE ?? "";
  const { data, cache, volume, root } = suite.bench;
  const mounts = { "/data": data, "/cache": cache, "/repository": volume };
  // The operator's emptyDir around the target: the original removes a file there (spec 4 §1.5).
  const around = join(root, "around");
  mkdirSync(around, { recursive: true });
  chownSync(around, JOB_UID, JOB_UID);
  return {
    ...spec,
    program: [ORIGINAL],
    mounts: { ...mounts, "/restore": around, "/original": dirname(exe) },
    env: { ...spec.env, KOPIA_EXE: exe.replace(dirname(exe), "/original") },
  };
}

/** Blobs of the repository by the first letter of their names, and the bytes of all. */
function repositorySize(): { readonly packs: number; readonly bytes: number } {
  const root = join(suite.bench.volume, "repository");
  const blobs = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".f"))
    .map((entry) => join(entry.parentPath, entry.name));
  return {
    packs: blobs.filter((path) => path.slice(root.length + 1).startsWith("p")).length,
    bytes: blobs.reduce((sum, path) => sum + statSync(path).size, 0),
  };
}

function expectNothingNew(first: ListedSnapshot, second: ListedSnapshot): void {
  expect(second.rootEntry.obj).toBe(first.rootEntry.obj);
  expect(second.source).toEqual(first.source);
  expect(second.stats.nonCachedFiles ?? 0).toBe(0);
  expect(second.stats.cachedFiles).toBe(ENTRIES);
}

/** Everything about a tree that a restore brings back. */
function treeOf(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .toSorted((a, b) => (a < b ? -1 : 1))
    .map((name) => {
      const at = lstatSync(join(root, name), { bigint: true });
      const text = at.isFile() ? readFileSync(join(root, name), "base64") : "";
      const time = at.isFile() ? at.mtimeNs : "";
      return [name, at.mode, at.uid, time, text].join(" ");
    });
}

const PAIRS: readonly (readonly [Mover, Mover])[] = [
  ["original", "ours"],
  ["ours", "original"],
];

describe("the same cache and repository", () => {
  for (const [first, second] of PAIRS) {
    check(`[8.1/interoperation] ${first} first, ${second} second: nothing is new`, async () => {
      const env = { KOPIA_COMPRESSION: "zstd-fastest", KOPIA_RETAIN_LATEST: "5" };
      await run(first, { args: ["backup"], env });
      const before = repositorySize();
      await run(second, { args: ["backup"], env });
      const after = repositorySize();
      expect(after.packs).toBe(before.packs);
      expect(after.bytes - before.bytes).toBeLessThan(MAX_ADDED_BYTES);
      write(join(suite.bench.data, "inner", "file-7"), "changed");
      await run(first, { args: ["backup"], env });
      for (const judge of JUDGES) {
        const [one, two, three] = snapshotsOf(suite.bench, judge);
        expectNothingNew(one as ListedSnapshot, two as ListedSnapshot);
        expect(three?.stats.cachedFiles).toBe(ENTRIES - 1);
        kopia(suite.bench, ["snapshot", "verify", "--verify-files-percent=100"], judge);
      }
    });

    check(`[8.1/interoperation] [8.1/restore] ${first} backs up, ${second} restores`, async () => {
      await run(first, { args: ["backup"] });
      await run(second, { args: ["restore"] });
      expect(treeOf(suite.bench.restored)).toEqual(treeOf(suite.bench.data));
    });

    check(`[8.1/interoperation] ${first} maintains, ${second} goes on`, async () => {
      await run(first, { args: ["backup"] });
      const maintain = (mover: Mover) =>
        run(
          mover,
          mover === "ours" ? { env: { DIRECTION: "maintenance" } } : { args: ["maintenance"] },
        );
      await maintain(first);
      await run(second, { args: ["backup"] });
      await maintain(second);
      for (const judge of JUDGES) {
        kopia(suite.bench, ["snapshot", "verify", "--verify-files-percent=100"], judge);
        expect(kopia(suite.bench, ["maintenance", "info"], judge)).toContain(
          "Owner: maintenance@volsync",
        );
      }
    });
  }
});
