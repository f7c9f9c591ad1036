import { readdirSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import {
  COMPRESSOR_NAMES,
  SPLITTER_NAMES,
  createContentEncryptor,
  createHashFunction,
  createV0IndexMaintenance,
} from "@kopia-engine/kopia-format";
import { seededBytes } from "@kopia-engine/kopia-format/testing";
import { compareRestore, listSnapshots } from "./compare-programs.ts";
import { changeTree, treeOf, withoutTemporary } from "./random-tree.ts";
import { PROGRAMS, type World } from "./world.ts";

type Operation = (world: World) => Promise<void>;

/** Does one thing to the repository, by either program. */
export async function randomOperation(world: World): Promise<void> {
  await world.dice.one(OPERATIONS)(world);
}

const OPERATIONS: readonly Operation[] = [
  ...Array.from({ length: 6 }, () => createSnapshot),
  changePolicy,
  changePolicy,
  changePolicy,
  deleteSnapshot,
  deleteSnapshot,
  expireSnapshots,
  pinSnapshot,
  changePassword,
  changeParameters,
  changeParameters,
  quickMaintenance,
  quickMaintenance,
  fullMaintenance,
  fullMaintenance,
  compactIndexes,
  writeIndexes,
  writeIndexes,
  grow,
];

/** A snapshot of a changed tree; now and then the other program restores it at once. */
export async function createSnapshot(world: World): Promise<void> {
  const { dice, trees } = world;
  const source = dice.one(world.sources);
  changeTree(source, dice);
  await world.either("snapshot", "create", source, ...snapshotFlags(world));
  const made = (await listSnapshots(world)).filter(({ id }) => !trees.has(id));
  const tree = treeOf(source);
  for (const { id } of made) {
    trees.set(id, world.ignoring.has(source) ? withoutTemporary(tree) : tree);
    if (dice.oneIn(3)) await compareRestore(world, dice.one(PROGRAMS), id);
  }
}

function snapshotFlags({ dice }: World): string[] {
  return [
    ...(dice.oneIn(4) ? [`--description=snapshot ${dice.below(100)}`] : []),
    ...(dice.oneIn(4) ? [`--tags=round:${dice.below(3)}`] : []),
    ...(dice.oneIn(6) ? ["--pin=keep"] : []),
    ...(dice.oneIn(4) ? ["--force-hash=100"] : []),
  ];
}

async function changePolicy(world: World): Promise<void> {
  const { dice, sources } = world;
  const source = dice.one(sources);
  const targets = ["--global", "@host", "user@host", join(source, ".."), source];
  const target = dice.one(targets);
  const ignores = dice.oneIn(5);
  const compressors = ["none", "inherit", ...COMPRESSOR_NAMES.filter((name) => name !== "lz4")];
  const change = dice.one([
    [`--compression=${dice.one(compressors)}`],
    [`--compression=${dice.one(compressors)}`, `--compression-min-size=${dice.below(80_000)}`],
    [`--metadata-compression=${dice.one(compressors.filter((name) => name !== "inherit"))}`],
    [`--keep-latest=${1 + dice.below(4)}`, "--keep-hourly=0", "--keep-daily=inherit"],
    [`--splitter=${dice.one([...SPLITTER_NAMES, "inherit"])}`],
    ["--parallel-upload-above-size-mib=1"],
    [`--add-never-compress=.${dice.one(["txt", "bin"])}`],
    [`--ignore-identical-snapshots=${dice.one(["true", "false", "inherit"])}`],
  ]);
  if (!ignores) {
    await world.either("policy", "set", target, ...change);
    return;
  }
  await world.either("policy", "set", target, "--add-ignore=*.tmp");
  for (const ignoring of target === source ? [source] : sources) world.ignoring.add(ignoring);
}

async function deleteSnapshot(world: World): Promise<void> {
  const snapshots = await listSnapshots(world);
  if (snapshots.length === 0) return createSnapshot(world);
  await world.either("snapshot", "delete", world.dice.one(snapshots).id, "--delete");
}

async function expireSnapshots(world: World): Promise<void> {
  await world.either("snapshot", "expire", "--all", "--delete");
}

async function pinSnapshot(world: World): Promise<void> {
  const snapshots = await listSnapshots(world);
  if (snapshots.length === 0) return createSnapshot(world);
  const { id } = world.dice.one(snapshots);
  const tree = world.trees.get(id);
  const flag = world.dice.one(["--add=pinned", "--remove=pinned"]);
  await world.either("snapshot", "pin", id, flag);
  // It is stored again under another ID.
  for (const found of await listSnapshots(world)) {
    if (!world.trees.has(found.id) && tree !== undefined) world.trees.set(found.id, tree);
  }
}

/** Repositories of version 1 have no changeable password. */
async function changePassword(world: World): Promise<void> {
  if (world.format.version === 1) return;
  const password = `pässword ${world.dice.below(1000)}`;
  await world.either("repository", "change-password", `--new-password=${password}`);
  world.password = password;
}

async function changeParameters(world: World): Promise<void> {
  const { dice, format } = world;
  const size = `--max-pack-size-mb=${10 + dice.below(30)}`;
  const choices =
    format.version === 1
      ? [[size], ["--index-version=2"]]
      : [
          [size],
          [
            "--epoch-refresh-frequency=1m",
            "--epoch-min-duration=10m",
            "--epoch-cleanup-safety-margin=1h",
            "--epoch-advance-on-count=10",
            `--epoch-checkpoint-frequency=${1 + dice.below(3)}`,
          ],
        ];
  await world.either("repository", "set-parameters", ...dice.one(choices));
}

async function quickMaintenance(world: World): Promise<void> {
  await maintain(world, []);
}

async function fullMaintenance(world: World): Promise<void> {
  await maintain(world, ["--full"]);
}

async function maintain(world: World, flags: readonly string[]): Promise<void> {
  await world.either("maintenance", "run", "--safety=none", ...flags);
}

/** Only the older scheme has a compaction that can be asked for. */
async function compactIndexes(world: World): Promise<void> {
  if (world.format.version !== 1) return fullMaintenance(world);
  if (world.dice.oneIn(2)) {
    await world.run("theirs", "index", "optimize", "--all", "--dangerous-commands=enabled");
    return;
  }
  await using repository = await world.open("compacts all indexes");
  const { storage, format, clock, random } = repository;
  const maintenance = createV0IndexMaintenance({
    storage,
    format,
    clock,
    random,
    hash: await createHashFunction(format.content.hash, format.content.secret),
    encryptor: createContentEncryptor(format.content, random),
  });
  const safety = world.dice.one(["full", "none"] as const);
  await maintenance?.compact({ maxSmallBlobs: 1, allIndexes: true, safety });
}

/** Many small flushes, each with an index blob of its own. */
async function writeIndexes(world: World): Promise<void> {
  const { dice } = world;
  const count = 1 + dice.below(12);
  await using repository = await world.open(`writes ${count} indexes`);
  for (let i = 0; i < count; i++) {
    await using session = await repository.writeSession();
    const data = seededBytes(dice.below(2 ** 20), 1 + dice.below(3000));
    const id = session.objects.writeObject(data);
    await session.manifests.put({ type: "random", number: String(i) }, JSON.stringify({ id }));
    const [oldest] = dice.oneIn(2) ? await session.manifests.find({ type: "random" }) : [];
    if (oldest !== undefined) await session.manifests.delete(oldest.id);
    await session.flush();
  }
}

/** Time passes: all that is stored becomes older, so that epochs end and margins are over. */
export async function grow(world: World): Promise<void> {
  const hours = 1 + world.dice.below(30);
  world.steps.push(`all blobs become ${hours} h older`);
  const ageSeconds = hours * 3600;
  for (const entry of readdirSync(world.repositoryPath, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const { atimeMs, mtimeMs } = statSync(path);
    utimesSync(path, atimeMs / 1000 - ageSeconds, mtimeMs / 1000 - ageSeconds);
  }
  await writeIndexes(world);
}
