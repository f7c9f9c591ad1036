import { rmSync } from "node:fs";
import { join } from "node:path";
import { treeOf } from "./random-tree.ts";
import { PROGRAMS, type ProgramName, type World } from "./world.ts";

/** A snapshot as far as it is needed here. */
export interface ListedSnapshot {
  readonly id: string;
}

const SNAPSHOTS = ["snapshot", "list", "--all", "--json", "--show-identical"];
const CONTENTS = ["content", "list", "--json", "--deleted"];

/** Both programs list the same snapshots and contents, and one more thing. */
export async function compareSome(world: World): Promise<void> {
  await compareOutput(world, SNAPSHOTS);
  await compareOutput(world, CONTENTS);
  await compareOutput(world, world.dice.one(otherListings(world)));
}

/** Everything that both can list is the same, both find all whole, and both restore every snapshot as it was. */
export async function compareAll(world: World): Promise<void> {
  for (const argv of [SNAPSHOTS, CONTENTS, ...otherListings(world)]) {
    await compareOutput(world, argv);
  }
  await compareIndexEntries(world);
  await compareVerification(world);
  for (const name of PROGRAMS) {
    await world.run(name, "snapshot", "verify", "--verify-files-percent=100");
  }
  for (const { id } of await listSnapshots(world)) {
    await compareRestore(world, "ours", id);
    if (world.dice.oneIn(2)) await compareRestore(world, "theirs", id);
  }
}

/** Both read the same entries out of every index blob, superseded ones included. */
async function compareIndexEntries(world: World): Promise<void> {
  const argv = ["index", "inspect", "--all"];
  const [ours, theirs] = [await world.run("ours", ...argv), await world.run("theirs", ...argv)];
  assertEqual(argv.join(" "), ours.split("\n").sort(), theirs.split("\n").sort());
}

/** Both read every content, deleted ones included, and count the same and nothing wrong. */
async function compareVerification(world: World): Promise<void> {
  const argv = ["content", "verify", "--full", "--include-deleted"];
  const countersOf = async (name: ProgramName): Promise<string> => {
    const { stderr } = await world.runTold(name, ...argv);
    const counters = /verifyCounters:\s*(\{.*\})/.exec(stderr)?.[1];
    if (counters === undefined) throw new Error(`${name}: ${argv.join(" ")} counts nothing`);
    return counters;
  };
  const [ours, theirs] = [await countersOf("ours"), await countersOf("theirs")];
  assertEqual(argv.join(" "), JSON.parse(ours), JSON.parse(theirs));
}

/** Restores a snapshot by one program and compares it with the tree it was made of. */
export async function compareRestore(world: World, name: ProgramName, id: string): Promise<void> {
  const expected = world.trees.get(id);
  if (expected === undefined) throw new Error(`snapshot ${id} is listed, but nobody made it`);
  const target = join(world.place.path, "restored");
  await world.run(name, "snapshot", "restore", id, target);
  assertEqual(`tree of ${id} restored by ${name}`, treeOf(target), expected);
  rmSync(target, { recursive: true });
}

/** All snapshots, oldest first for each source. */
export async function listSnapshots(world: World): Promise<readonly ListedSnapshot[]> {
  return JSON.parse(await world.run("ours", ...SNAPSHOTS)) as ListedSnapshot[];
}

function otherListings(world: World): readonly (readonly string[])[] {
  return [
    ["manifest", "list", "--json"],
    ["policy", "list", "--json"],
    ["index", "list", "--json"],
    ["blob", "list", "--json"],
    ["maintenance", "info", "--json"],
    ...world.sources.map((source) => ["policy", "show", source, "--json"]),
  ];
}

async function compareOutput(world: World, argv: readonly string[]): Promise<void> {
  const ours: unknown = JSON.parse(await world.run("ours", ...argv));
  const theirs: unknown = JSON.parse(await world.run("theirs", ...argv));
  const isUnordered = UNORDERED.has(argv[0] ?? "");
  assertEqual(
    argv.join(" "),
    isUnordered ? inOrder(ours) : ours,
    isUnordered ? inOrder(theirs) : theirs,
  );
}

/** The original lists directories in parallel, and blobs of one time in no order. */
const UNORDERED = new Set(["blob", "index"]);

function inOrder(list: unknown): unknown {
  return (list as unknown[]).map((item) => JSON.stringify(item)).sort();
}

function assertEqual(what: string, ours: unknown, theirs: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  if (a === b) return;
  let at = 0;
  while (a[at] === b[at]) at++;
  const from = Math.max(0, at - 120);
  throw new Error(`${what} differs:\n${a.slice(from, at + 200)}\n≠\n${b.slice(from, at + 200)}`);
}
