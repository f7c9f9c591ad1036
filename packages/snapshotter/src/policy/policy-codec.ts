import { KopiaError } from "@kopia-engine/kopia-format";
import type { JsonOut } from "../model/snapshot-codec.ts";
import type { Policy } from "./policy.ts";

/** Payload of a policy manifest: compact JSON, every section present (spec 2 §8.2). */
export function encodePolicy(policy: Policy): string {
  void policy;
  throw new KopiaError("NOT_IMPLEMENTED", "encodePolicy");
}

/**
 * Reads a stored policy. Absent sections are empty, unknown fields are kept, key case does not matter.
 * @param where shown in errors, usually the target.
 * @throws KopiaError `POLICY_INVALID`.
 */
export function decodePolicy(payload: string, where = "policy"): Policy {
  void payload;
  throw new KopiaError("NOT_IMPLEMENTED", where);
}

/** A policy as JSON for output, keys in Kopia's order. */
export function policyToJson(policy: Policy): { readonly [key: string]: JsonOut } {
  void policy;
  throw new KopiaError("NOT_IMPLEMENTED", "policyToJson");
}
