import {
  goStringify,
  openFilesystemRepository,
  utf8Decode,
  type Repository,
} from "@kopia-engine/kopia-format";
import { fixtureNames, loadFixture, readByLatest, type Fixture } from "@kopia-engine/test-fixtures";
import { describe, expect, test } from "vitest";
import {
  decodeDirectory,
  encodeDirectory,
  encodeSnapshotManifest,
  formatSource,
  getEffectivePolicy,
  groupBySource,
  listPolicies,
  listSnapshots,
  parseSource,
  planExpire,
  policyToJson,
  snapshotToJson,
  GLOBAL_TARGET,
  type DirectoryListing,
  type SnapshotManifest,
} from "../src/index.ts";
import { scanDirectory } from "../src/model/scan-directory.ts";

/** 0.9.8 stored the time of an entry also when it is the epoch; later versions leave it out (spec 2 §6.2). */
const EPOCH_WRITERS = /v098|mixed/;
const EPOCH_TIME = '"mtime":"1970-01-01T00:00:00Z",';

type Json = { readonly [key: string]: unknown };

/** Text of recorded JSON with keys in order, to compare with ours. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? `${part}n` : part)),
  );
const shown = (value: Parameters<typeof goStringify>[0]): unknown => JSON.parse(goStringify(value));

const names = fixtureNames(/^fs-/);

describe.each(names)("%s", (name) => {
  test("snapshots, policies and listings are those that the real program recorded", async () => {
    const fixture = loadFixture(name);
    using unpacked = fixture.unpack();
    await using repository = await openFilesystemRepository({
      path: unpacked.path,
      password: fixture.password,
      client: { readOnly: true },
    });
    const snapshots = await listSnapshots(repository.manifests);
    await checkSnapshots(repository, fixture, snapshots);
    await checkManifestTexts(repository, snapshots);
    await checkPolicies(repository, fixture);
    await checkListings(repository, snapshots, EPOCH_WRITERS.test(name) ? EPOCH_TIME : "");
  });
});

function recorded(fixture: Fixture, key: string): unknown {
  return readByLatest()[fixture.name]?.[key] ?? fixture.full(key);
}

/** `snapshot list --all --json --show-identical`: the manifest and why retention keeps it. */
async function checkSnapshots(
  repository: Repository,
  fixture: Fixture,
  snapshots: readonly SnapshotManifest[],
): Promise<void> {
  const found: unknown[] = [];
  for (const group of groupBySource(snapshots)) {
    const { policy } = await getEffectivePolicy(repository.manifests, group.source);
    const plan = planExpire({ ...group, policy: policy.retention, timeZone: "UTC" });
    const reasons = new Map(plan.kept.map(({ snapshot, reasons: own }) => [snapshot.id, own]));
    for (const snapshot of group.snapshots) {
      const own = reasons.get(snapshot.id) ?? [];
      const json = snapshotToJson(snapshot);
      found.push(shown(own.length === 0 ? json : { ...json, retentionReason: own }));
    }
  }
  expect(found).toEqual(plain(recorded(fixture, "snapshots")));
}

/** What we would store for a stored snapshot is what its writer stored. */
async function checkManifestTexts(
  repository: Repository,
  snapshots: readonly SnapshotManifest[],
): Promise<void> {
  for (const snapshot of snapshots) {
    const payload = await repository.manifests.getPayload(snapshot.id);
    expect(encodeSnapshotManifest(snapshot)).toBe(payload);
  }
}

async function checkPolicies(repository: Repository, fixture: Fixture): Promise<void> {
  const found = (await listPolicies(repository.manifests)).map(({ id, target, policy }) =>
    shown({
      id,
      target: { host: target.host, userName: target.userName, path: target.path },
      ...policyToJson(policy),
    }),
  );
  const byTarget = (a: unknown, b: unknown): number =>
    JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
  expect(found.toSorted(byTarget)).toEqual(
    (plain(recorded(fixture, "policies")) as unknown[]).toSorted(byTarget),
  );
  const global = await getEffectivePolicy(repository.manifests, GLOBAL_TARGET);
  expect(shown(policyToJson(global.policy))).toEqual(plain(recorded(fixture, "policyGlobal")));
  const effective = (fixture.record["policyShow"] ?? {}) as Json;
  const context = { userName: "root", host: "fixhost", workingDirectory: "/" };
  for (const [text, policy] of Object.entries(effective)) {
    const target = text === "--global" ? GLOBAL_TARGET : parseSource(text, context);
    const ours = await getEffectivePolicy(repository.manifests, target);
    expect(shown(policyToJson(ours.policy)), formatSource(target)).toEqual(plain(policy));
  }
}

/** Every listing is decoded and comes out byte for byte when it is encoded again. */
async function checkListings(
  repository: Repository,
  snapshots: readonly SnapshotManifest[],
  leftOut: string,
): Promise<void> {
  const pending = snapshots.flatMap(({ rootEntry }) =>
    rootEntry?.type === "d" ? [rootEntry] : [],
  );
  const seen = new Set<string>();
  for (const entry of pending) {
    if (seen.has(entry.objectId)) continue;
    seen.add(entry.objectId);
    const bytes = await repository.objects.readObject(entry.objectId);
    const listing = decodeDirectory(bytes, entry.objectId);
    expect(scanDirectory(bytes), "read the fast way").toEqual(listing);
    expect(reencoded(listing)).toBe(utf8Decode(bytes).replaceAll(leftOut, ""));
    pending.push(...listing.entries.filter(({ type }) => type === "d"));
  }
}

/** Names with replacement characters stood there as escapes; once decoded they cannot be told apart. */
function reencoded(listing: DirectoryListing): string {
  return utf8Decode(encodeDirectory(listing)).replaceAll("\ufffd", "\\ufffd");
}
