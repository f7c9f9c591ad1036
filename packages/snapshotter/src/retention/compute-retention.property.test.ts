import { parseGoTime } from "@kopia-engine/kopia-format";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RetentionPolicy } from "../policy/policy.ts";
import { computeRetention, type RetainedSnapshot } from "./compute-retention.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 60);

const start = parseGoTime("2023-01-01T00:00:00Z");
const snapshots: fc.Arbitrary<RetainedSnapshot[]> = fc.uniqueArray(
  fc
    .record({
      startTime: fc.bigInt({ min: 0n, max: 900n * 86_400n }).map((s) => start + s * 1_000_000_000n),
      incompleteReason: fc.constantFrom("", "", "", "canceled"),
    })
    .map(({ startTime, incompleteReason }) => ({
      startTime,
      endTime: startTime + 1n,
      incompleteReason,
    })),
  { maxLength: 40, selector: ({ startTime }) => startTime },
);
const keep = fc.option(fc.nat({ max: 6 }), { nil: undefined });
const policies: fc.Arbitrary<RetentionPolicy> = fc
  .record({
    keepLatest: keep,
    keepHourly: keep,
    keepDaily: keep,
    keepWeekly: keep,
    keepMonthly: keep,
    keepAnnual: keep,
  })
  .map((policy) => JSON.parse(JSON.stringify(policy)) as RetentionPolicy);
const zones = fc.constantFrom("UTC", "America/New_York", "Asia/Kolkata", "Pacific/Apia");

test("the order of the input does not matter", () => {
  fc.assert(
    fc.property(snapshots, policies, zones, (list, policy, zone) => {
      const forward = computeRetention(list, policy, zone);
      const backward = computeRetention(list.toReversed(), policy, zone);
      expect(backward.toReversed()).toEqual(forward);
    }),
    { numRuns },
  );
});

test("no period keeps more than its number, and each number once", () => {
  fc.assert(
    fc.property(snapshots, policies, zones, (list, policy, zone) => {
      const reasons = computeRetention(list, policy, zone).flat();
      const complete = reasons.filter((reason) => reason !== "incomplete");
      expect(new Set(complete).size).toBe(complete.length);
      const sum = Object.values(policy).reduce((total: number, count) => total + Number(count), 0);
      for (const reason of complete) {
        const [type = "", number] = reason.split("-");
        const max = {
          latest: policy.keepLatest,
          hourly: policy.keepHourly,
          daily: policy.keepDaily,
          weekly: policy.keepWeekly,
          monthly: policy.keepMonthly,
          annual: policy.keepAnnual,
        }[type];
        expect(Number(number)).toBeLessThanOrEqual(sum === 0 ? Infinity : (max ?? 0));
      }
    }),
    { numRuns },
  );
});

test("when nothing is to be kept, everything complete is", () => {
  fc.assert(
    fc.property(snapshots, zones, (list, zone) => {
      const reasons = computeRetention(list, { keepLatest: 0, keepDaily: 0 }, zone);
      for (const [index, { incompleteReason }] of list.entries()) {
        if (incompleteReason === "") expect(reasons[index]).not.toEqual([]);
      }
    }),
    { numRuns },
  );
});

describe("traps of spec 2 §8.5", () => {
  const at = (text: string, incompleteReason = ""): RetainedSnapshot => {
    const startTime = parseGoTime(text);
    return { startTime, endTime: startTime, incompleteReason };
  };
  const DEFAULTS = {
    keepLatest: 10,
    keepHourly: 48,
    keepDaily: 7,
    keepWeekly: 4,
    keepMonthly: 24,
    keepAnnual: 3,
  };

  test("the recorded vector: week 02 and month 02 share one ID", () => {
    const days: RetainedSnapshot[] = [];
    for (
      let time = parseGoTime("2023-12-27T12:00:00Z");
      time <= parseGoTime("2024-02-04T12:00:00Z");
      time += 86_400_000_000_000n
    ) {
      days.push({ startTime: time, endTime: time, incompleteReason: "" });
    }
    const shown = computeRetention(days, DEFAULTS, "UTC").map((own) => own.join(","));
    expect(shown.toReversed().slice(0, 10)).toEqual([
      "latest-1,hourly-1,daily-1,weekly-1,monthly-1,annual-1",
      "latest-2,hourly-2,daily-2",
      "latest-3,hourly-3,daily-3",
      "latest-4,daily-4",
      "latest-5,daily-5,monthly-2",
      "latest-6,daily-6",
      "latest-7,daily-7",
      "latest-8,weekly-2",
      "latest-9",
      "latest-10",
    ]);
    const kept = new Map(
      shown.map((own, index) => [index, own]).filter(([, own]) => own !== "") as [number, string][],
    );
    expect(kept.get(25)).toBe("weekly-3");
    expect(kept.get(4)).toBe("monthly-3,annual-2");
    expect(kept.size).toBe(12);
  });

  test("dates that do not exist move the cutoff forward", () => {
    const newest = at("2024-03-31T00:00:00Z");
    // One month before 31 March 2024 is 2 March.
    expect(
      computeRetention([newest, at("2024-03-01T23:59:59Z")], { keepMonthly: 1 }, "UTC"),
    ).toEqual([["monthly-1"], []]);
    const twoMonths = { keepMonthly: 2 };
    const leap = at("2024-02-29T00:00:00Z");
    expect(
      computeRetention([leap, at("2023-02-28T23:59:59Z")], { keepAnnual: 1 }, "UTC")[1],
    ).toEqual([]);
    expect(computeRetention([newest, at("2024-01-31T00:00:00Z")], twoMonths, "UTC")[1]).toEqual([
      "monthly-2",
    ]);
  });

  test("incomplete snapshots are kept while young or among the first three, up to the first complete one", () => {
    const list = [
      at("2024-01-01T00:00:00Z", "canceled"),
      at("2024-01-01T01:00:00Z"),
      at("2024-01-01T02:00:00Z", "canceled"),
      at("2024-01-01T03:00:00Z", "canceled"),
      at("2024-01-01T04:00:00Z", "canceled"),
      at("2024-01-01T09:00:00Z", "canceled"),
    ];
    expect(computeRetention(list, { keepLatest: 1 }, "UTC")).toEqual([
      [],
      // Position counts incomplete snapshots too, but the number does not.
      ["latest-1"],
      [],
      ["incomplete"],
      ["incomplete"],
      ["incomplete"],
    ]);
  });

  test("absurd numbers neither fail nor delete", () => {
    const list = [at("1700-01-01T00:00:00Z"), at("2024-01-01T00:00:00Z")];
    const huge = {
      keepAnnual: 2 ** 53 - 1,
      keepMonthly: 2 ** 53 - 1,
      keepWeekly: 2 ** 53 - 1,
      keepDaily: 2 ** 53 - 1,
      keepHourly: 2 ** 53 - 1,
    };
    expect(computeRetention(list, huge, "America/New_York").every((own) => own.length >= 4)).toBe(
      true,
    );
  });
});
