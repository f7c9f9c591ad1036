import { isKopiaError } from "@kopia-engine/kopia-format";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { withPolicyField } from "./policy-access.ts";
import { decodePolicy, encodePolicy } from "./policy-codec.ts";
import { POLICY_FIELD_NAMES, policyFieldRule, type PolicyFieldKind } from "./policy-fields.ts";
import { DEFAULT_POLICY, EMPTY_POLICY, type Policy } from "./policy.ts";

const numRuns = Number(process.env["FUZZ_RUNS"] ?? 100);

/** Spec 2 §8.2 and §8.3. */
const EMPTY = `{"retention":{},"files":{},"errorHandling":{},"scheduling":{},"compression":{},"metadataCompression":{},"splitter":{},"actions":{},"osSnapshots":{"volumeShadowCopy":{}},"logging":{"directories":{},"entries":{}},"upload":{}}`;
const DEFAULT = `{"retention":{"keepLatest":10,"keepHourly":48,"keepDaily":7,"keepWeekly":4,"keepMonthly":24,"keepAnnual":3,"ignoreIdenticalSnapshots":false},"files":{"ignoreDotFiles":[".kopiaignore"]},"errorHandling":{"ignoreFileErrors":false,"ignoreDirectoryErrors":false,"ignoreUnknownTypes":true},"scheduling":{"runMissed":true},"compression":{"compressorName":"none"},"metadataCompression":{"compressorName":"zstd-fastest"},"splitter":{},"actions":{},"osSnapshots":{"volumeShadowCopy":{"enable":0}},"logging":{"directories":{"snapshotted":5,"ignored":5},"entries":{"snapshotted":0,"ignored":5,"cacheHit":0,"cacheMiss":0}},"upload":{"maxParallelSnapshots":1,"parallelUploadAboveSize":2147483648}}`;

const VALUES: Readonly<Record<PolicyFieldKind, fc.Arbitrary<unknown>>> = {
  count: fc.integer({ min: -3, max: 2 ** 31 }),
  switch: fc.boolean(),
  flag: fc.constant(true),
  size: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }),
  optionalSize: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  text: fc.string({ minLength: 1 }),
  texts: fc.array(fc.string(), { minLength: 1, maxLength: 3 }),
  times: fc.array(fc.record({ hour: fc.nat({ max: 23 }), min: fc.nat({ max: 59 }) }), {
    minLength: 1,
    maxLength: 3,
  }),
  action: fc.record(
    {
      path: fc.string({ minLength: 1 }),
      args: fc.array(fc.string(), { minLength: 1 }),
      script: fc.string({ minLength: 1 }),
      timeout: fc.integer({ min: 1 }),
      mode: fc.string({ minLength: 1 }),
    },
    { requiredKeys: [] },
  ),
};

const policies: fc.Arbitrary<Policy> = fc
  .tuple(...POLICY_FIELD_NAMES.map((field) => fc.option(VALUES[policyFieldRule(field).kind])))
  .map((values) =>
    POLICY_FIELD_NAMES.reduce<Policy>(
      (policy, field, index) =>
        values[index] === null ? policy : withPolicyField(policy, field, values[index]),
      EMPTY_POLICY,
    ),
  );

describe("documents of the specification", () => {
  test("nothing set", () => {
    expect(encodePolicy(EMPTY_POLICY)).toBe(EMPTY);
    expect(decodePolicy(EMPTY)).toEqual(EMPTY_POLICY);
  });

  test("the defaults", () => {
    expect(encodePolicy(DEFAULT_POLICY)).toBe(DEFAULT);
    expect(decodePolicy(DEFAULT)).toEqual(DEFAULT_POLICY);
  });
});

test("decode undoes encode", () => {
  fc.assert(
    fc.property(policies, fc.boolean(), (policy, noParent) => {
      const whole: Policy = noParent ? { ...policy, noParent } : policy;
      expect(decodePolicy(encodePolicy(whole))).toEqual(whole);
    }),
    { numRuns },
  );
});

test("sections that older versions lack are empty", () => {
  expect(decodePolicy(`{"retention":{"keepLatest":1},"files":null}`)).toEqual({
    ...EMPTY_POLICY,
    retention: { keepLatest: 1 },
  });
});

test("keys are compared without case, zero values are not set, explicit false is", () => {
  const policy = decodePolicy(
    `{"Retention":{"KEEPLATEST":0},"files":{"maxFileSize":0,"noParentIgnore":false,"ignore":[],"oneFileSystem":false},"compression":{"compressorName":""},"upload":{"parallelUploadAboveSize":0}}`,
  );
  expect(policy).toEqual({
    ...EMPTY_POLICY,
    retention: { keepLatest: 0 },
    files: { oneFileSystem: false },
    upload: { parallelUploadAboveSize: 0n },
  });
});

test("fields of newer versions are kept where they were", () => {
  const newer = `{"retention":{"keepLatest":1,"keepForever":[1.50]},"files":{"__proto__":{"a":12345678901234567890}},"tiering":{"cold":true}}`;
  const policy = decodePolicy(newer);
  const text = encodePolicy({ ...policy, retention: { keepLatest: 2 } });
  expect(text).toContain(`"retention":{"keepLatest":2,"keepForever":[1.50]}`);
  expect(text).toContain(`"files":{"__proto__":{"a":12345678901234567890}}`);
  expect(text).toContain(`"tiering":{"cold":true}`);
  expect(decodePolicy(text).retention).toEqual({ keepLatest: 2 });
});

test.each([
  `{"retention":{"keepLatest":"1"}}`,
  `{"retention":{"keepLatest":1.5}}`,
  `{"files":[]}`,
  `{"files":{"ignore":"x"}}`,
  `{"scheduling":{"timeOfDay":[1]}}`,
  `{"noParent":1}`,
  `{"files":{"maxFileSize":9223372036854775808}}`,
  `[]`,
  ``,
])("refuses %s", (text) => {
  expect(() => decodePolicy(text, "u@h")).toThrow(
    expect.objectContaining({ code: "POLICY_INVALID" }),
  );
});

test("arbitrary text gives a policy or POLICY_INVALID", () => {
  const mutated = fc
    .tuple(fc.nat({ max: DEFAULT.length - 1 }), fc.string({ maxLength: 3 }))
    .map(([at, insert]) => DEFAULT.slice(0, at) + insert + DEFAULT.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json(), mutated), (text) => {
      try {
        expect(decodePolicy(encodePolicy(decodePolicy(text)))).toBeDefined();
      } catch (error) {
        expect(isKopiaError(error, "POLICY_INVALID")).toBe(true);
      }
    }),
    { numRuns: numRuns * 5 },
  );
});
