import type { PolicyField } from "./policy-fields.ts";
import type { Policy } from "./policy.ts";

type Section = Readonly<Record<string, unknown>>;

/** Value of a field; `undefined` when it is not set. */
export function getPolicyField(policy: Policy, field: PolicyField): unknown {
  let value: unknown = policy;
  for (const name of field.split(".")) value = (value as Section)[name];
  return value;
}

/** A copy of the policy with one field set, or cleared by `undefined`. */
export function withPolicyField(policy: Policy, field: PolicyField, value: unknown): Policy {
  return withPath(policy as unknown as Section, field.split("."), value) as unknown as Policy;
}

function withPath(section: Section, path: readonly string[], value: unknown): Section {
  const [name = "", ...rest] = path;
  const copy: Record<string, unknown> = { ...section };
  if (rest.length > 0) copy[name] = withPath(section[name] as Section, rest, value);
  else if (value === undefined) delete copy[name];
  else copy[name] = value;
  return copy;
}
