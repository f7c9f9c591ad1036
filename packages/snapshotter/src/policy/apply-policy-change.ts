import { KopiaError } from "@kopia-engine/kopia-format";
import type { PolicyField } from "./policy-fields.ts";
import type { Policy } from "./policy.ts";

/**
 * One change of a policy. `set` takes the value as a person writes it (`5`, `true`, `zstd`), and clears the
 * field for `inherit` and `default`; lists are kept sorted and without repetition (spec 2 §9.13).
 */
export type PolicyChange =
  | { readonly kind: "set"; readonly field: PolicyField; readonly text: string }
  | { readonly kind: "clear"; readonly field: PolicyField }
  | {
      readonly kind: "add" | "remove";
      readonly field: PolicyField;
      readonly items: readonly string[];
    };

/**
 * Applies changes to a policy and counts those that made a difference.
 * @throws KopiaError `POLICY_INVALID` naming field and value.
 */
export function applyPolicyChanges(
  policy: Policy,
  changes: readonly PolicyChange[],
): { readonly policy: Policy; readonly changeCount: number } {
  void policy;
  void changes;
  throw new KopiaError("NOT_IMPLEMENTED", "applyPolicyChanges");
}
