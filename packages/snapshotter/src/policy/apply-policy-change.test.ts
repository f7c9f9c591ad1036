import { describe, expect, test } from "vitest";
import { applyPolicyChanges, type PolicyChange } from "./apply-policy-change.ts";
import { isCronExpression } from "./cron-expression.ts";
import { chooseCompressor, chooseMetadataCompressor } from "./choose-compressor.ts";
import { DEFAULT_POLICY, EMPTY_POLICY, type Policy } from "./policy.ts";
import { validatePolicy } from "./validate-policy.ts";

const apply = (policy: Policy, ...changes: PolicyChange[]): Policy =>
  applyPolicyChanges(policy, changes).policy;

describe("applyPolicyChanges", () => {
  test("reads what a person writes", () => {
    const policy = apply(
      EMPTY_POLICY,
      { kind: "set", field: "retention.keepLatest", text: "5" },
      { kind: "set", field: "files.oneFileSystem", text: "false" },
      { kind: "set", field: "files.maxFileSize", text: "9223372036854775807" },
      { kind: "set", field: "compression.compressorName", text: "zstd" },
      { kind: "set", field: "scheduling.timeOfDay", text: "15:30,3:00,03:00" },
      { kind: "set", field: "scheduling.cron", text: "*/15 2 * * 1-5; 0 0 1 * *" },
      { kind: "noParent", value: true },
    );
    expect(policy).toEqual({
      ...EMPTY_POLICY,
      retention: { keepLatest: 5 },
      files: { oneFileSystem: false, maxFileSize: 2n ** 63n - 1n },
      compression: { compressorName: "zstd" },
      scheduling: {
        timeOfDay: [
          { hour: 3, min: 0 },
          { hour: 15, min: 30 },
        ],
        cron: ["*/15 2 * * 1-5", "0 0 1 * *"],
      },
      noParent: true,
    });
  });

  test.each(["inherit", "default", ""])("'%s' gives a field back", (text) => {
    const policy = apply(DEFAULT_POLICY, { kind: "set", field: "retention.keepLatest", text });
    expect(policy.retention).not.toHaveProperty("keepLatest");
  });

  test("lists stay sorted bytewise and unique, and vanish when empty", () => {
    const added = apply(
      EMPTY_POLICY,
      { kind: "add", field: "files.ignore", items: ["z", "😀", "～", "a"] },
      { kind: "add", field: "files.ignore", items: ["a", "m"] },
    );
    expect(added.files.ignore).toEqual(["a", "m", "z", "～", "😀"]);
    const removed = apply(added, {
      kind: "remove",
      field: "files.ignore",
      items: ["a", "m", "z", "～", "😀"],
    });
    expect(removed).toEqual(EMPTY_POLICY);
  });

  test("counts what made a difference", () => {
    const changes: PolicyChange[] = [
      { kind: "set", field: "retention.keepLatest", text: "10" },
      { kind: "remove", field: "files.ignore", items: ["x"] },
      { kind: "clear", field: "splitter.algorithm" },
      { kind: "noParent", value: false },
      { kind: "set", field: "retention.keepDaily", text: "8" },
    ];
    expect(applyPolicyChanges(DEFAULT_POLICY, changes).changeCount).toBe(1);
  });

  test("does not change the policy it was given", () => {
    const before = JSON.stringify(EMPTY_POLICY);
    apply(EMPTY_POLICY, { kind: "set", field: "retention.keepLatest", text: "1" });
    expect(JSON.stringify(EMPTY_POLICY)).toBe(before);
  });

  test.each<PolicyChange>([
    { kind: "set", field: "retention.keepLatest", text: "x" },
    { kind: "set", field: "retention.keepLatest", text: "1.5" },
    { kind: "set", field: "files.oneFileSystem", text: "yes" },
    { kind: "set", field: "files.maxFileSize", text: "9223372036854775808" },
    { kind: "set", field: "scheduling.timeOfDay", text: "25:00" },
    { kind: "set", field: "scheduling.timeOfDay", text: "3" },
    { kind: "add", field: "splitter.algorithm", items: ["x"] },
  ])("refuses %j", (change) => {
    expect(() => apply(EMPTY_POLICY, change)).toThrow(
      expect.objectContaining({ code: "POLICY_INVALID" }),
    );
  });
});

describe("validatePolicy", () => {
  const path = { userName: "u", host: "h", path: "/p" };

  test.each<[string, Partial<Policy>]>([
    ["manual with an interval", { scheduling: { manual: true, intervalSeconds: 1n } }],
    ["manual with an explicit false", { scheduling: { manual: true, runMissed: false } }],
    ["a broken cron expression", { scheduling: { cron: ["* * * *"] } }],
    ["parallel snapshots of a path", { upload: { maxParallelSnapshots: 1 } }],
  ])("refuses %s", (_, part) => {
    expect(() => validatePolicy({ ...EMPTY_POLICY, ...part }, path)).toThrow(
      expect.objectContaining({ code: "POLICY_INVALID" }),
    );
  });

  test("accepts parallel snapshots of a user, and manual alone", () => {
    expect(() => {
      validatePolicy(
        { ...EMPTY_POLICY, upload: { maxParallelSnapshots: 1 } },
        { ...path, path: "" },
      );
      validatePolicy({ ...EMPTY_POLICY, scheduling: { manual: true } }, path);
    }).not.toThrow();
  });
});

/** Answers of the real program to `policy set --snapshot-time-crontab`. */
describe("isCronExpression", () => {
  test.each([
    "* * * * *",
    "@daily",
    "0 0 L * *",
    "0 0 15W * *",
    "0 0 * * 5L",
    "0 0 * * mon-fri",
    "0 0 * jan *",
    "0 0 ? * *",
    "* * * * 7",
    "0 0 0 1 1 * 2030",
    "0 0 1 1 * 2030",
    "5-1 * * * *",
    "1/5 * * * *",
    "* * * * monday",
    "0 0 * * 1#2",
    "# x",
    " 1 1 1 1 1 ",
    "1,2,3 * * * *",
    "1, * * * *",
    "* * LW * *",
    "*  *  * * *",
    "*/59 * * * *",
    "0 0 * * monL",
    "? * * * *",
    "00 * * * *",
    "0 0 1 1 * */10",
    "* * * * * *",
    "0 0 l * *",
    "0 0 1-5/9 * *",
  ])("accepts %s", (text) => {
    expect(isCronExpression(text)).toBe(true);
  });

  test.each([
    "* * * *",
    "@midnight",
    "@every 1h",
    "60 * * * *",
    "* * * * 8",
    "0 0 1 1 * 2200",
    "*/0 * * * *",
    "x",
    "* * 32 * *",
    "* * 0 * *",
    "* * * 13 *",
    "* 24 * * *",
    "*/100 * * * *",
    "@Daily",
    "*/60 * * * *",
    "0 0 * * */7",
    ",, * * * *",
    "1-2-3 * * * *",
    "1- * * * *",
    "-1 * * * *",
    "0 0 * * tues",
    "0 0 * * L",
    "0 0 32W * *",
    "0 0 * * 8L",
    "007 * * * *",
    "0 0 1 1 * 1969",
    "0 0 0 0 1 1 * 2030",
    "*-5 * * * *",
    "0/ * * * *",
    "+1 * * * *",
  ])("refuses %s", (text) => {
    expect(isCronExpression(text)).toBe(false);
  });
});

describe("chooseCompressor", () => {
  const zstd = { compressorName: "zstd" };

  test.each([
    [{}, "a", 1, undefined],
    [{ compressorName: "none" }, "a", 1, undefined],
    [zstd, "a", 1, "zstd"],
    [{ ...zstd, minSize: 10n }, "a", 9, undefined],
    [{ ...zstd, minSize: 10n }, "a", 10n, "zstd"],
    [{ ...zstd, maxSize: 10n }, "a", 11n, undefined],
    [{ ...zstd, maxSize: 10n }, "a", 10, "zstd"],
    [{ ...zstd, neverCompress: [".gz", ".zip"] }, "a.tar.gz", 1, undefined],
    [{ ...zstd, neverCompress: [".gz"] }, "a.GZ", 1, "zstd"],
    [{ ...zstd, neverCompress: [".bashrc"] }, ".bashrc", 1, undefined],
    [{ ...zstd, onlyCompress: [".txt"] }, "a.bin", 1, "zstd"],
    [{ ...zstd, onlyCompress: [".txt"], neverCompress: [".txt"] }, "a.txt", 1, "zstd"],
    // Unsorted lists are searched as if they were sorted.
    [{ ...zstd, neverCompress: [".z", ".y", ".a"] }, "x.a", 1, "zstd"],
  ])("%o for %s of %s bytes: %s", (policy, name, size, wanted) => {
    expect(chooseCompressor(policy, name, size)).toBe(wanted);
  });

  test("metadata", () => {
    expect(chooseMetadataCompressor({})).toBeUndefined();
    expect(chooseMetadataCompressor({ compressorName: "none" })).toBeUndefined();
    expect(chooseMetadataCompressor(zstd)).toBe("zstd");
  });
});
