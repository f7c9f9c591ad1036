import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { parseExactJson } from "./json.ts";

/**
 * One row of a tree as the real program restored it: path, type, octal mode, size, mtime in ns,
 * SHA-256 or link target, uid, gid. A path that is not UTF-8 is `{ b64 }`.
 */
export type TreeRow = readonly [
  path: string | { readonly b64: string },
  type: string,
  mode: string,
  size: number,
  mtimeNs: number | bigint,
  digestOrTarget: string | { readonly b64: string } | null,
  uid: number,
  gid: number,
];

/** Recorded restore of one snapshot. */
export interface FixtureTree {
  readonly rootEntry: string;
  readonly rows?: readonly TreeRow[];
  /** Snapshot ID whose rows are the same. */
  readonly rowsSameAs?: string;
  /** Restored by 0.9.8: the row `.` as later versions restore it. */
  readonly rootRowByHead?: TreeRow;
}

/** Everything recorded about a fixture; keys as `shared/fixtures/README.md` names them. */
export interface FixtureRecord {
  readonly fixture: string;
  readonly kopiaVersion: string;
  readonly password: string;
  readonly trees?: Readonly<Record<string, FixtureTree>>;
  readonly [key: string]: unknown;
}

/** A repository written by a real release, with every expected result. */
export interface Fixture {
  readonly name: string;
  readonly record: FixtureRecord;
  readonly password: string;
  /** The value under `key`, following a `fullIn` reference to another file. */
  full(key: string): unknown;
  /** Unpacks the repository into a fresh directory; remove it with `dispose`. */
  unpack(): UnpackedFixture;
}

/** A fixture repository on disk. */
export interface UnpackedFixture extends Disposable {
  /** Directory of the repository. */
  readonly path: string;
  dispose(): void;
}

const EMBEDDED = fileURLToPath(new URL("../repos", import.meta.url));

/** Where fixtures come from: `KOPIA_FIXTURES` when set, else the selection inside the checkout. */
export function fixtureDirectory(): string {
  const wanted = process.env["KOPIA_FIXTURES"];
  return wanted === undefined || wanted === "" ? EMBEDDED : resolve(wanted);
}

/** Names of all fixtures that match, sorted. */
export function fixtureNames(pattern = /./): string[] {
  return readdirSync(fixtureDirectory())
    .filter((file) => file.endsWith(".tar.gz"))
    .map((file) => file.slice(0, -".tar.gz".length))
    .filter((name) => pattern.test(name))
    .sort();
}

/** Names of the healthy repositories in the default format: the set that the first readers must match. */
export function defaultFormatFixtureNames(): string[] {
  return fixtureNames(
    /^fs-(v\d+-default|mixed-versions|v0231-(multi-source|policies|incomplete-stdin-file|epochs|epochs-deleted|undelete)|v\d+-gc)$/,
  );
}

/** Loads the record of one fixture. Throws when the fixture is not there. */
export function loadFixture(name: string): Fixture {
  const directory = fixtureDirectory();
  const record = readJsonFile(directory, name) as FixtureRecord;
  return {
    name,
    record,
    password: record.password,
    full: (key) => followReference(directory, record[key]),
    unpack: () => unpackInto(join(directory, `${name}.tar.gz`), name),
  };
}

/** What kopia 0.23.1 prints for fixtures older than 0.19, by fixture name and key. */
export function readByLatest(): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const file = readJsonFile(fixtureDirectory(), "read-by-0.23.1") as {
    readonly fixtures: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  };
  return file.fixtures;
}

/** Recorded rows of a snapshot, following `rowsSameAs`. */
export function treeRows(fixture: Fixture, snapshotId: string): readonly TreeRow[] {
  const trees = fixture.record.trees ?? {};
  let tree = trees[snapshotId];
  for (
    let hops = 0;
    tree?.rows === undefined && tree?.rowsSameAs !== undefined && hops < 100;
    hops++
  )
    tree = trees[tree.rowsSameAs];
  if (tree?.rows === undefined)
    throw new Error(`fixture ${fixture.name} has no rows for snapshot ${snapshotId}`);
  return tree.rows;
}

function readJsonFile(directory: string, name: string): unknown {
  const plain = join(directory, `${name}.json`);
  return parseExactJson(
    existsSync(plain)
      ? readFileSync(plain, "utf8")
      : gunzipSync(readFileSync(`${plain}.gz`)).toString("utf8"),
  );
}

function followReference(directory: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("fullIn" in value)) return value;
  const file = join(directory, String(value.fullIn));
  return parseExactJson(gunzipSync(readFileSync(file)).toString("utf8"));
}

function unpackInto(archive: string, name: string): UnpackedFixture {
  const root = mkdtempSync(join(tmpdir(), `${name}-`));
  const path = join(root, "repo");
  mkdirSync(path);
  // The system's tar keeps nanosecond mtimes, which the epoch rules depend on (spec 1 §1.4).
  execFileSync("tar", ["xzf", archive, "-C", path]);
  const dispose = (): void => rmSync(root, { recursive: true, force: true });
  return { path, dispose, [Symbol.dispose]: dispose };
}
