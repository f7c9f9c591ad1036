import {
  isKopiaError,
  openFilesystemRepository,
  verifyContents,
  createHashFunction,
  type Repository,
} from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture, type Fixture, type TreeRow } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import { listSnapshots, verifySnapshots } from "../src/index.ts";
import { comparableRow, restoredRows, type RestoredRows } from "./restored-rows.ts";

/** What the real program restored of one snapshot. */
interface RecordedRestore {
  readonly exit: number;
  readonly byRootIdIgnoreErrors?: {
    readonly missing: readonly string[];
    readonly wrongContent: readonly string[];
  };
}

interface RecordedRun {
  readonly cmd?: string;
  readonly note?: string;
  readonly exit?: number;
}

interface RecordedSnapshot {
  readonly id: string;
  readonly rootEntry: { readonly obj: string };
}

/** Rows of the source at each of the three snapshots; the trees of all damaged repositories are the same. */
const expectedTrees = Object.values(
  loadFixture("damaged-none").record["expected"] as Record<string, readonly TreeRow[]>,
).map((rows) => rows.map(comparableRow).map(withoutDirectoryTime));

describe.each(fixtureNames(/^damaged-/))("%s", (name) => {
  test("no damage goes unnoticed, no wrong byte is restored, and what is whole is restored", async () => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    const opened = await openOrRefuse(unpacked.path, fixture.password);
    // Refusing is the strictest verdict, but not where the original found everything whole.
    if (opened === undefined) {
      expect(recordedExit(fixture, "repository connect")).not.toBe(0);
      return;
    }
    await using repository = opened;
    const snapshots = fixture.record["snapshotsBefore"] as readonly RecordedSnapshot[];
    const restored = (fixture.record["restored"] ?? {}) as Readonly<
      Record<string, RecordedRestore>
    >;
    for (const [position, { id, rootEntry }] of snapshots.entries()) {
      const rows = expectedTrees[position] ?? [];
      const recorded = restored[id];
      checkRestore(rows, await restoreWhatIsThere(repository, id, rootEntry.obj), recorded);
    }
    await checkVerdicts(repository, fixture);
  });
});

/** Directories come back with the newest time of their summary (spec 2 §10.2); the rows are of the source. */
function withoutDirectoryTime(row: TreeRow): TreeRow {
  const [path, type, mode, size, mtimeNs, ...rest] = row;
  return [path, type, mode, size, type === "d" ? 0 : mtimeNs, ...rest];
}

async function openOrRefuse(path: string, password: string): Promise<Repository | undefined> {
  try {
    return await openFilesystemRepository({ path, password, client: { readOnly: true } });
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    return undefined;
  }
}

/** By the snapshot, or by its root where the manifest is out of reach. */
async function restoreWhatIsThere(
  repository: Repository,
  ...objectPaths: readonly string[]
): Promise<RestoredRows> {
  for (const objectPath of objectPaths) {
    try {
      return await restoredRows(repository, objectPath);
    } catch (error) {
      if (!isKopiaError(error)) throw error;
    }
  }
  return { rows: [], failures: ["."] };
}

function checkRestore(
  expected: readonly TreeRow[],
  { rows, failures }: RestoredRows,
  recorded: RecordedRestore | undefined,
): void {
  const contentOf = ([, type, , size, , digest]: TreeRow): unknown =>
    type === "d" ? type : [type, size, digest];
  const byPath = new Map(expected.map((row) => [row[0], contentOf(row)]));
  for (const row of rows)
    expect(contentOf(row), JSON.stringify(row[0])).toEqual(byPath.get(row[0]));
  const restoredPaths = new Set(rows.map(([path]) => path));
  const isWhole = [...byPath.keys()].every((path) => restoredPaths.has(path));
  expect(isWhole, "whole or said otherwise").toBe(failures.length === 0);
  if (recorded === undefined) return;
  if (recorded.exit === 0) expect(rows.map(withoutDirectoryTime)).toEqual(expected);
  // Whatever the original could still read, root by root, is there.
  const lost = new Set(recorded.byRootIdIgnoreErrors?.missing ?? ([...byPath.keys()] as string[]));
  for (const path of recorded.byRootIdIgnoreErrors?.wrongContent ?? []) lost.add(path);
  // A directory whose listing is lost is left behind empty by the original, and not at all by us.
  const missing = expected
    .filter(([path, type]) => type !== "d" && !restoredPaths.has(path))
    .map(([path]) => path);
  expect(missing.filter((path) => !lost.has(path as string))).toEqual([]);
}

/** Each verification of ours finds something wherever the original's did. */
async function checkVerdicts(repository: Repository, fixture: Fixture): Promise<void> {
  const { hash, secret } = repository.format.content;
  const listing = { random: repository.random, includeDeleted: false };
  const quick = await verifyContents(repository.contents, repository.storage, listing);
  const full = await verifyContents(repository.contents, repository.storage, {
    ...listing,
    readPercent: 100,
    hash: await createHashFunction(hash, secret),
  });
  const verdicts: readonly (readonly [command: string, isBad: boolean])[] = [
    ["content verify", quick.errorCount > 0],
    ["content verify --full", full.errorCount > 0],
    ["snapshot verify --verify-files-percent=100", await snapshotsAreBad(repository)],
  ];
  for (const [command, isBad] of verdicts) {
    const exit = recordedExit(fixture, command);
    if (exit !== undefined && exit !== 0) expect(isBad, command).toBe(true);
    if (exit === 0 && fixture.name === "damaged-none") expect(isBad, command).toBe(false);
  }
}

async function snapshotsAreBad(repository: Repository): Promise<boolean> {
  try {
    const roots = (await listSnapshots(repository.manifests)).flatMap(({ id, rootEntry }) =>
      rootEntry === undefined ? [] : [{ path: id, entry: rootEntry }],
    );
    const { errors } = await verifySnapshots({
      repository,
      roots,
      maxErrors: -1,
      verifyFilesPercent: 100,
    });
    return errors.length > 0;
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    return true;
  }
}

/** Exit status of a command on the repository as it was damaged, before any command that writes. */
function recordedExit(fixture: Fixture, command: string): number | undefined {
  const runs = fixture.record["results"] as readonly RecordedRun[];
  for (const run of runs) {
    if (run.note !== undefined) return undefined;
    const words = (run.cmd ?? "").replace(/^kopia /, "");
    if (words === command || words.startsWith(`${command} filesystem`)) return run.exit;
  }
  return undefined;
}
