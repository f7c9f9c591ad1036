import {
  createRepository,
  MemoryStorage,
  openRepository,
  parseGoTime,
  type Repository,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  changePins,
  DEFAULT_POLICY,
  EMPTY_POLICY,
  EMPTY_STATS,
  encodeSnapshotManifest,
  executeExpire,
  findPreviousSnapshots,
  findSnapshotsById,
  getDefinedPolicy,
  getEffectivePolicy,
  GLOBAL_TARGET,
  groupBySource,
  listPolicies,
  listSnapshots,
  listSources,
  loadPolicyTree,
  loadSnapshot,
  pinSnapshot,
  planSourceExpire,
  removePolicy,
  saveSnapshot,
  setPolicy,
  type Policy,
  type SnapshotManifest,
  type Source,
} from "../src/index.ts";

const client = { username: "u", hostname: "h", readOnly: false, description: "" };
const source: Source = { userName: "u", host: "h", path: "/p" };

let repository: Repository;
let empty: { readonly blobs: ReadonlyMap<string, Uint8Array>; readonly format: RepositoryFormat };

/** Deriving the key takes a quarter of a second: one empty repository is made, and copied for every test. */
beforeAll(async () => {
  const storage = new MemoryStorage();
  const format = await createRepository(storage, { password: "secret" });
  const blobs = new Map<string, Uint8Array>();
  for await (const { id } of storage.list("")) blobs.set(id, await storage.get(id));
  empty = { blobs, format };
});

beforeEach(async () => {
  const storage = new MemoryStorage();
  for (const [id, bytes] of empty.blobs) await storage.put(id, bytes);
  const { format } = empty;
  repository = await openRepository(storage, { password: "secret", client, format });
  return () => repository.close();
});

function snapshot(start: string, parts: Partial<SnapshotManifest> = {}): SnapshotManifest {
  const startTime = parseGoTime(start);
  return {
    id: "",
    source,
    description: "",
    startTime,
    endTime: startTime + 1n,
    stats: EMPTY_STATS,
    incompleteReason: "",
    rootEntry: {
      name: "p",
      type: "d",
      mode: 0o755,
      sizeBytes: 0n,
      modTime: 0n,
      uid: 0,
      gid: 0,
      objectId: "k".padEnd(33, "0"),
    },
    tags: {},
    pins: [],
    ...parts,
  };
}

/** Saves all in one session and gives them back with their IDs. */
async function save(...manifests: readonly SnapshotManifest[]): Promise<SnapshotManifest[]> {
  await using session = await repository.writeSession();
  const saved: SnapshotManifest[] = [];
  for (const manifest of manifests) saved.push(await saveSnapshot(session.manifests, manifest));
  await session.flush();
  return saved;
}

async function storePolicies(
  ...policies: readonly (readonly [Source, Partial<Policy>])[]
): Promise<void> {
  await using session = await repository.writeSession();
  for (const [target, policy] of policies) {
    await setPolicy(session.manifests, target, { ...EMPTY_POLICY, ...policy });
  }
  await session.flush();
}

describe("snapshots", () => {
  test("are listed as saved, in order of their start, and found by ID, root, source and tag", async () => {
    const other = { ...source, path: "/q" };
    const [late, early, tagged] = await save(
      snapshot("2024-02-01T00:00:00Z", { pins: ["a"], description: "<é>" }),
      snapshot("2024-01-01T00:00:00Z"),
      snapshot("2024-03-01T00:00:00Z", { source: other, tags: { "tag:a": "1" } }),
    );
    const { manifests } = repository;
    expect(await listSnapshots(manifests)).toEqual([early, late, tagged]);
    expect(await listSnapshots(manifests, { source })).toEqual([early, late]);
    expect(await listSnapshots(manifests, { tags: { "tag:a": "1" } })).toEqual([tagged]);
    expect(await loadSnapshot(manifests, late!.id)).toEqual(late);
    expect(await findSnapshotsById(manifests, early!.id)).toEqual([early]);
    expect(await findSnapshotsById(manifests, "k".padEnd(33, "0"))).toHaveLength(3);
    expect(await findSnapshotsById(manifests, "nothing")).toEqual([]);
    expect(await listSources(manifests)).toEqual([source, other]);
    expect(groupBySource([tagged!, late!, early!])).toEqual([
      { source, snapshots: [early, late] },
      { source: other, snapshots: [tagged] },
    ]);
  });

  test("manifests that do not parse are reported and skipped", async () => {
    const [whole] = await save(snapshot("2024-01-01T00:00:00Z"));
    await using session = await repository.writeSession();
    const labels = { type: "snapshot", username: "u", hostname: "h", path: "/p" };
    const bad = await session.manifests.put(labels, `{"startTime":"yesterday"}`);
    const invalid: string[] = [];
    const listed = await listSnapshots(session.manifests, {}, (id) => invalid.push(id));
    expect(listed).toEqual([whole]);
    expect(invalid).toEqual([bad]);
    await expect(loadSnapshot(session.manifests, bad)).rejects.toMatchObject({
      code: "SNAPSHOT_INVALID",
    });
  });

  test("a manifest of another type is no snapshot", async () => {
    await storePolicies([GLOBAL_TARGET, DEFAULT_POLICY]);
    const [policy] = await listPolicies(repository.manifests);
    await expect(loadSnapshot(repository.manifests, policy!.id)).rejects.toMatchObject({
      code: "SNAPSHOT_NOT_FOUND",
    });
  });

  test("previous snapshots: the newest complete one, then later incomplete ones", async () => {
    const [old, complete, first, second] = await save(
      snapshot("2024-01-01T00:00:00Z", { incompleteReason: "canceled" }),
      snapshot("2024-01-02T00:00:00Z"),
      snapshot("2024-01-03T00:00:00Z", { incompleteReason: "checkpoint" }),
      snapshot("2024-01-04T00:00:00Z", { incompleteReason: "canceled" }),
    );
    const { manifests } = repository;
    expect(await findPreviousSnapshots(manifests, source)).toEqual([complete, second, first]);
    const before = parseGoTime("2024-01-02T00:00:00Z");
    expect(await findPreviousSnapshots(manifests, source, { before })).toEqual([old]);
    expect(await findPreviousSnapshots(manifests, { ...source, path: "/none" })).toEqual([]);
  });

  test.each<[string, Partial<SnapshotManifest>, string]>([
    ["no path", { source: { ...source, path: "" } }, "SOURCE_INVALID"],
    ["a reserved tag", { tags: { hostname: "x" } }, "SNAPSHOT_INVALID"],
    ["an empty tag", { tags: { "": "x" } }, "SNAPSHOT_INVALID"],
  ])("refuses to save one with %s", async (_, parts, code) => {
    await expect(save(snapshot("2024-01-01T00:00:00Z", parts))).rejects.toMatchObject({ code });
  });

  test("refuses to save one without root: its data would be garbage", async () => {
    const { rootEntry: _, ...rootless } = snapshot("2024-01-01T00:00:00Z");
    await expect(save(rootless)).rejects.toMatchObject({ code: "SNAPSHOT_INVALID" });
  });
});

describe("pins", () => {
  test("change the manifest's ID only when they change", async () => {
    const [saved] = await save(snapshot("2024-01-01T00:00:00Z", { pins: ["b"] }));
    await using session = await repository.writeSession();
    const same = await pinSnapshot(session.manifests, saved!, { add: ["b"], remove: ["x"] });
    expect(same).toEqual({ snapshot: saved, isChanged: false });
    const { snapshot: pinned, isChanged } = await pinSnapshot(session.manifests, saved!, {
      add: ["a"],
    });
    await session.flush();
    expect(isChanged).toBe(true);
    expect(pinned.pins).toEqual(["a", "b"]);
    expect(pinned.id).not.toBe(saved!.id);
    expect(await listSnapshots(repository.manifests)).toEqual([pinned]);
  });

  test("are a sorted set", () => {
    const pinned = changePins(snapshot("2024-01-01T00:00:00Z", { pins: ["b", "a", "b"] }), {
      remove: ["c"],
    });
    expect(pinned.pins).toEqual(["a", "b"]);
  });
});

describe("policies", () => {
  const retention = (keepLatest: number): Partial<Policy> => ({ retention: { keepLatest } });
  const user: Source = { userName: "u", host: "h", path: "" };

  test("are stored by target, replaced and removed", async () => {
    await storePolicies(
      [GLOBAL_TARGET, DEFAULT_POLICY],
      [source, retention(1)],
      [source, retention(2)],
    );
    const { manifests } = repository;
    expect((await listPolicies(manifests)).map(({ target }) => target)).toEqual([
      GLOBAL_TARGET,
      source,
    ]);
    expect((await getDefinedPolicy(manifests, source))?.policy.retention).toEqual({
      keepLatest: 2,
    });
    expect(await getDefinedPolicy(manifests, user)).toBeUndefined();
    await using session = await repository.writeSession();
    expect(await removePolicy(session.manifests, source)).toBe(true);
    expect(await removePolicy(session.manifests, source)).toBe(false);
    await session.flush();
    expect(await getDefinedPolicy(manifests, source)).toBeUndefined();
  });

  test("merge along the hierarchy", async () => {
    await storePolicies(
      [GLOBAL_TARGET, DEFAULT_POLICY],
      [user, retention(7)],
      [{ ...source, path: "/p/a" }, { files: { ignore: ["x"] } }],
    );
    const { policy, definedBy } = await getEffectivePolicy(repository.manifests, {
      ...source,
      path: "/p/a/b",
    });
    expect(policy.retention.keepLatest).toBe(7);
    expect(policy.files.ignore).toEqual(["x"]);
    expect(definedBy.get("retention.keepLatest")).toEqual(user);
  });

  test("of two for one target the older counts when merged, the newer when asked for", async () => {
    await using session = await repository.writeSession();
    const labels = { type: "policy", policyType: "user", username: "u", hostname: "h" };
    await session.manifests.put(labels, `{"retention":{"keepLatest":1}}`);
    await session.manifests.put(labels, `{"retention":{"keepLatest":2,"keepDaily":2}}`);
    const effective = await getEffectivePolicy(session.manifests, user);
    expect(effective.policy.retention).toMatchObject({ keepLatest: 1, keepDaily: 2 });
    expect((await getDefinedPolicy(session.manifests, user))?.policy.retention.keepLatest).toBe(2);
  });

  test("make a tree: merged at the root, raw below, other users' left out", async () => {
    await storePolicies(
      [GLOBAL_TARGET, DEFAULT_POLICY],
      [{ ...source, path: "/p/a/b" }, { files: { ignore: ["x"] } }],
      [{ ...source, path: "/pp" }, { files: { ignore: ["no"] } }],
      [{ ...source, userName: "v", path: "/p/c" }, { files: { ignore: ["no"] } }],
    );
    const tree = await loadPolicyTree(repository.manifests, source);
    expect(tree.policy).toEqual(DEFAULT_POLICY);
    expect(tree.child("a").child("b").policy).toEqual({
      ...EMPTY_POLICY,
      files: { ignore: ["x"] },
    });
    expect(tree.child("c").isDefined).toBe(false);
    const root = await loadPolicyTree(repository.manifests, { ...source, path: "/" });
    expect(root.child("pp").isDefined).toBe(true);
    expect(root.child("p").child("a").child("b").isDefined).toBe(true);
  });

  test("are not stored for a path with a final slash, nor with values that contradict each other", async () => {
    await expect(storePolicies([{ ...source, path: "/p/" }, {}])).rejects.toMatchObject({
      code: "POLICY_INVALID",
    });
    await expect(
      storePolicies([source, { scheduling: { manual: true, intervalSeconds: 60n } }]),
    ).rejects.toMatchObject({ code: "POLICY_INVALID" });
  });
});

describe("expire", () => {
  test("deletes what neither a reason nor a pin keeps, only when it is executed", async () => {
    await storePolicies([GLOBAL_TARGET, { retention: { keepLatest: 1 }, noParent: true }]);
    const [old, pinned, latest, other] = await save(
      snapshot("2024-01-01T00:00:00Z"),
      snapshot("2024-01-02T00:00:00Z", { pins: ["keep"] }),
      snapshot("2024-01-03T00:00:00Z"),
      snapshot("2024-01-01T00:00:00Z", { source: { ...source, path: "/q" } }),
    );
    const plan = await planSourceExpire(repository.manifests, source, "Europe/Berlin");
    expect(plan).toEqual({
      source,
      kept: [
        { snapshot: pinned, reasons: [] },
        { snapshot: latest, reasons: ["latest-1"] },
      ],
      deleted: [old],
    });
    expect(await listSnapshots(repository.manifests)).toHaveLength(4);
    await using session = await repository.writeSession();
    expect(await executeExpire(session.manifests, plan)).toEqual([old]);
    await session.flush();
    expect(await listSnapshots(repository.manifests)).toEqual(
      [other, pinned, latest].toSorted((a, b) => Number(a!.startTime - b!.startTime)),
    );
  });

  test("an unknown time zone is refused before anything is planned", async () => {
    await expect(
      planSourceExpire(repository.manifests, source, "Mars/Olympus"),
    ).rejects.toMatchObject({ code: "ARGUMENT_INVALID" });
  });
});

test("what is stored is the text that the codec gives", async () => {
  const [saved] = await save(
    snapshot("2024-01-01T00:00:00Z", { tags: { "tag:z": "1", "tag:a": "2" } }),
  );
  expect(await repository.manifests.getPayload(saved!.id)).toBe(encodeSnapshotManifest(saved!));
});
