import { readFileSync } from "node:fs";
import { parseGoTime } from "@kopia-engine/kopia-format";
import { describe, expect, test } from "vitest";
import type { SnapshotManifest } from "../model/snapshot-manifest.ts";
import { EMPTY_STATS } from "../model/snapshot-codec.ts";
import { mergePolicies } from "../policy/merge-policies.ts";
import { EMPTY_POLICY, type RetentionPolicy } from "../policy/policy.ts";
import { GLOBAL_TARGET } from "../model/source.ts";
import { computeRetention } from "./compute-retention.ts";
import { planExpire } from "./expire.ts";

interface RecordedSnapshot {
  readonly start: string;
  readonly end: string;
  readonly incomplete?: string;
  readonly pins?: readonly string[];
}

interface RecordedCase {
  readonly list: string;
  readonly tz: string;
  readonly policy: RetentionPolicy;
  readonly noParent?: boolean;
  readonly reasons: readonly string[];
  readonly wouldDelete: readonly number[];
  readonly expireDryRunCount: number;
}

const { lists, cases } = JSON.parse(
  readFileSync(
    new URL("../../../../test-fixtures/cases/retention-cases.json", import.meta.url),
    "utf8",
  ),
) as {
  readonly lists: Readonly<Record<string, readonly RecordedSnapshot[]>>;
  readonly cases: readonly RecordedCase[];
};

const source = { userName: "u", host: "h", path: "/p" };

function snapshotsOf(list: string): SnapshotManifest[] {
  return (lists[list] ?? []).map(({ start, end, incomplete = "", pins = [] }, index) => ({
    id: String(index),
    source,
    description: "",
    startTime: parseGoTime(start),
    endTime: parseGoTime(end),
    stats: EMPTY_STATS,
    incompleteReason: incomplete,
    tags: {},
    pins,
  }));
}

function effective({ policy, noParent }: RecordedCase): RetentionPolicy {
  const level = {
    target: GLOBAL_TARGET,
    policy: { ...EMPTY_POLICY, retention: policy, ...(noParent === true ? { noParent } : {}) },
  };
  return mergePolicies(source, [level]).policy.retention;
}

test("there are 96 recorded cases", () => {
  expect(cases).toHaveLength(96);
});

describe.each(cases)("case %#: $list in $tz", (recorded) => {
  test("gives the recorded reasons", () => {
    const reasons = computeRetention(snapshotsOf(recorded.list), effective(recorded), recorded.tz);
    expect(reasons.map((own) => own.join(" "))).toEqual(recorded.reasons);
  });

  test("plans the recorded deletions, in any order of input", () => {
    const plan = planExpire({
      source,
      snapshots: snapshotsOf(recorded.list).toReversed(),
      policy: effective(recorded),
      timeZone: recorded.tz,
    });
    const deleted = plan.deleted.map(({ id }) => Number(id)).sort((a, b) => a - b);
    expect(deleted).toEqual(recorded.wouldDelete);
    expect(deleted).toHaveLength(recorded.expireDryRunCount);
  });
});
