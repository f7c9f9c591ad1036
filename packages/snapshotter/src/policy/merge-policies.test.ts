import { describe, expect, test } from "vitest";
import { GLOBAL_TARGET } from "../model/source.ts";
import { mergePolicies } from "./merge-policies.ts";
import { policyHierarchy } from "./policy-target.ts";
import { createPolicyTree } from "./policy-tree.ts";
import { DEFAULT_POLICY, EMPTY_POLICY, type Policy } from "./policy.ts";

const target = { userName: "u", host: "h", path: "/p" };
const user = { userName: "u", host: "h", path: "" };

function merged(own: Partial<Policy>, parent: Partial<Policy> = {}): Policy {
  return mergePolicies(target, [
    { target, policy: { ...EMPTY_POLICY, ...own } },
    { target: user, policy: { ...EMPTY_POLICY, ...parent } },
  ]).policy;
}

describe("mergePolicies", () => {
  test("without any policy the defaults hold", () => {
    const { policy, definedBy } = mergePolicies(target, []);
    expect(policy).toEqual(DEFAULT_POLICY);
    expect(definedBy.size).toBe(0);
  });

  test("the most specific value wins, also when it is false or 0", () => {
    const policy = merged(
      { retention: { keepLatest: 0 }, files: { oneFileSystem: false } },
      { retention: { keepLatest: 5, keepDaily: 6 }, files: { oneFileSystem: true } },
    );
    expect(policy.retention).toMatchObject({ keepLatest: 0, keepDaily: 6, keepWeekly: 4 });
    expect(policy.files.oneFileSystem).toBe(false);
  });

  test("ignore lists replace, compression lists and times join", () => {
    const policy = merged(
      {
        files: { ignore: ["b"] },
        compression: { neverCompress: [".z", ".a"] },
        scheduling: { timeOfDay: [{ hour: 9, min: 0 }] },
      },
      {
        files: { ignore: ["a"] },
        compression: { neverCompress: [".m", ".a"] },
        scheduling: {
          timeOfDay: [
            { hour: 8, min: 30 },
            { hour: 9, min: 0 },
          ],
        },
      },
    );
    expect(policy.files.ignore).toEqual(["b"]);
    expect(policy.compression.neverCompress).toEqual([".a", ".m", ".z"]);
    expect(policy.scheduling.timeOfDay).toEqual([
      { hour: 8, min: 30 },
      { hour: 9, min: 0 },
    ]);
  });

  test("a level can stop a joined list, itself included", () => {
    const policy = merged(
      { compression: { onlyCompress: [".a"], noParentOnlyCompress: true } },
      { compression: { onlyCompress: [".b"] } },
    );
    expect(policy.compression.onlyCompress).toEqual([".a"]);
  });

  test("folder actions come from the target itself only, root actions from any level", () => {
    const action = { path: "/x" };
    expect(
      merged({}, { actions: { beforeFolder: action, beforeSnapshotRoot: action } }).actions,
    ).toEqual({ beforeSnapshotRoot: action });
    expect(merged({ actions: { afterFolder: action } }).actions).toEqual({ afterFolder: action });
  });

  test("noParent leaves out everything above, the defaults and the folder actions", () => {
    const own = {
      retention: { keepDaily: 1 },
      actions: { beforeFolder: { path: "/x" } },
      noParent: true,
    };
    expect(merged(own, { retention: { keepLatest: 5 } })).toEqual({
      ...EMPTY_POLICY,
      retention: { keepDaily: 1 },
    });
  });

  test("it is known which target gave a value", () => {
    const { definedBy } = mergePolicies(target, [
      { target: user, policy: { ...EMPTY_POLICY, retention: { keepDaily: 1 } } },
      { target: GLOBAL_TARGET, policy: DEFAULT_POLICY },
    ]);
    expect(definedBy.get("retention.keepDaily")).toEqual(user);
    expect(definedBy.get("retention.keepLatest")).toEqual(GLOBAL_TARGET);
  });
});

describe("policyHierarchy", () => {
  const paths = (path: string): string[] =>
    policyHierarchy({ userName: "u", host: "h", path })
      .map((level) => level.path)
      .filter((level) => level !== "");

  test.each([
    ["/a/b", ["/a/b", "/a", "/"]],
    ["/", ["/"]],
    ["/a\\b/c", ["/a\\b/c", "/a\\b", "/a", "/"]],
    ["C:\\a\\b", ["C:\\a\\b", "C:\\a", "C:\\"]],
    ["a/b", ["a/b", "a"]],
  ])("parents of %s", (path, wanted) => {
    expect(paths(path)).toEqual(wanted);
  });

  test("ends with user, host and everything", () => {
    expect(policyHierarchy(target).slice(-3)).toEqual([
      user,
      { userName: "", host: "h", path: "" },
      GLOBAL_TARGET,
    ]);
  });
});

describe("createPolicyTree", () => {
  const deep: Policy = { ...EMPTY_POLICY, files: { ignore: ["x"] } };
  const tree = createPolicyTree(DEFAULT_POLICY, new Map([["a/b", deep]]));

  test("a folder without a policy has that of the nearest folder above, whole", () => {
    expect(tree.isDefined).toBe(true);
    expect(tree.child("a").policy).toBe(DEFAULT_POLICY);
    expect(tree.child("a").isDefined).toBe(false);
    expect(tree.child("a").child("b").policy).toBe(deep);
    expect(tree.child("a").child("b").isDefined).toBe(true);
    expect(tree.child("a").child("b").child("c").policy).toBe(deep);
    expect(tree.child("a").child("b").child("c").isDefined).toBe(false);
    expect(tree.child("a").child("c").policy).toBe(DEFAULT_POLICY);
    expect(tree.child("__proto__").policy).toBe(DEFAULT_POLICY);
  });

  test("below the last policy one node serves all", () => {
    const node = tree.child("z");
    expect(tree.child("y")).toBe(node);
    expect(node.child("x")).toBe(node);
  });
});
