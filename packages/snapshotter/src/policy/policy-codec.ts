import {
  asArray,
  asBigInteger,
  asBoolean,
  asInteger,
  asObject,
  asString,
  entriesOf,
  errorMessage,
  field as fieldOf,
  goStringify,
  isKopiaError,
  KopiaError,
  parseJson,
  type JsonInput,
  type JsonObject,
  type JsonValue,
} from "@kopia-engine/kopia-format";
import type { JsonOutput } from "../model/entry-json.ts";
import { getPolicyField, withPolicyField } from "./policy-access.ts";
import {
  POLICY_FIELD_NAMES,
  POLICY_SECTIONS,
  policyFieldRule,
  type PolicyField,
  type PolicyFieldKind,
} from "./policy-fields.ts";
import { EMPTY_POLICY, type ActionCommand, type Policy, type TimeOfDay } from "./policy.ts";

const NO_PARENT = "noParent";
/** Name under which unknown fields of the document itself are kept. */
const DOCUMENT = "";

/** Names that a section knows, in lower case: keys are compared without case. */
const KNOWN_NAMES: ReadonlyMap<string, ReadonlySet<string>> = knownNames();

/** Payload of a policy manifest: compact JSON, every section present (spec 2 §8.2). */
export function encodePolicy(policy: Policy): string {
  return goStringify(policyToJson(policy));
}

/** A policy as JSON for output, keys in Kopia's order. */
export function policyToJson(policy: Policy): JsonOutput {
  const sections = new Map<string, Record<string, JsonInput | undefined>>();
  const document: Record<string, JsonInput | undefined> = {};
  sections.set(DOCUMENT, document);
  for (const path of POLICY_SECTIONS) {
    const { parent, name } = splitPath(path);
    const section: Record<string, JsonInput | undefined> = {};
    sections.set(path, section);
    (sections.get(parent) as Record<string, JsonInput>)[name] = section as JsonInput;
  }
  for (const field of POLICY_FIELD_NAMES) {
    const { parent, name } = splitPath(field);
    const value = fieldToJson(policyFieldRule(field).kind, getPolicyField(policy, field));
    if (value !== undefined) (sections.get(parent) as Record<string, JsonInput>)[name] = value;
  }
  if (policy.noParent === true) document[NO_PARENT] = true;
  for (const [path, fields] of policy.unknownFields ?? []) {
    for (const [name, value] of fields) defineOwn(sections.get(path), name, value as JsonInput);
  }
  return document;
}

/**
 * Reads a stored policy. Absent sections are empty (spec 2 §8.2 of older versions), unknown fields are kept,
 * key case does not matter.
 * @param where shown in errors, usually the target.
 * @throws KopiaError `POLICY_INVALID`.
 */
export function decodePolicy(payload: string, where = "policy"): Policy {
  try {
    return policyFromJson(asObject(parseJson(payload, { where }), where), where);
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    throw new KopiaError("POLICY_INVALID", `policy cannot be read: ${errorMessage(error)}`, {
      cause: error,
      details: { where },
    });
  }
}

/** Reads a policy from parsed JSON, e.g. one of `policy export`. @throws KopiaError `JSON_INVALID`. */
export function policyFromJson(document: JsonObject, where: string): Policy {
  const sections = new Map<string, JsonObject>([[DOCUMENT, document]]);
  for (const path of POLICY_SECTIONS) {
    const { parent, name } = splitPath(path);
    const section = fieldOf(sections.get(parent) as JsonObject, name) ?? {};
    sections.set(path, asObject(section, `${where}: ${path}`));
  }
  let policy: Policy = EMPTY_POLICY;
  for (const field of POLICY_FIELD_NAMES) {
    const { parent, name } = splitPath(field);
    const json = fieldOf(sections.get(parent) as JsonObject, name);
    if (json === undefined) continue;
    const value = fieldFromJson(policyFieldRule(field).kind, json, `${where}: ${field}`);
    if (value !== undefined) policy = withPolicyField(policy, field, value);
  }
  const noParent = asBoolean(fieldOf(document, NO_PARENT) ?? false, `${where}: ${NO_PARENT}`);
  const unknownFields = collectUnknown(sections);
  return {
    ...policy,
    ...(noParent ? { noParent } : {}),
    ...(unknownFields.size === 0 ? {} : { unknownFields }),
  };
}

function fieldToJson(kind: PolicyFieldKind, value: unknown): JsonInput | undefined {
  if (value === undefined) return undefined;
  if (isUnset(kind, value)) return undefined;
  if (kind === "times") {
    return (value as readonly TimeOfDay[]).map(({ hour, min }) => ({ hour, min }));
  }
  return kind === "action" ? actionToJson(value as ActionCommand) : (value as JsonInput);
}

/** Values that the stored form cannot tell from "not set". */
function isUnset(kind: PolicyFieldKind, value: unknown): boolean {
  switch (kind) {
    case "flag":
      return value === false;
    case "size":
      return value === 0n;
    case "text":
      return value === "";
    case "texts":
    case "times":
      return (value as readonly unknown[]).length === 0;
    default:
      return false;
  }
}

function fieldFromJson(kind: PolicyFieldKind, json: JsonValue, where: string): unknown {
  const value = readField(kind, json, where);
  return isUnset(kind, value) ? undefined : value;
}

function readField(kind: PolicyFieldKind, json: JsonValue, where: string): unknown {
  switch (kind) {
    case "count":
      return asInteger(json, where);
    case "switch":
    case "flag":
      return asBoolean(json, where);
    case "size":
    case "optionalSize":
      return asBigInteger(json, where);
    case "text":
      return asString(json, where);
    case "texts":
      return asTexts(json, where);
    case "times":
      return asArray(json, where).map((time) => timeOfDayFromJson(time, where));
    case "action":
      return actionFromJson(asObject(json, where), where);
  }
}

function asTexts(json: JsonValue, where: string): string[] {
  return asArray(json, where).map((item, index) => asString(item, `${where}[${index}]`));
}

function timeOfDayFromJson(json: JsonValue, where: string): TimeOfDay {
  const time = asObject(json, where);
  return {
    hour: asInteger(fieldOf(time, "hour") ?? 0, `${where}.hour`),
    min: asInteger(fieldOf(time, "min") ?? 0, `${where}.min`),
  };
}

function actionToJson(action: ActionCommand): JsonInput {
  const { path, args, script, timeout, mode } = action;
  return {
    path: path || undefined,
    args: args === undefined || args.length === 0 ? undefined : args,
    script: script || undefined,
    timeout: timeout || undefined,
    mode: mode || undefined,
  };
}

function actionFromJson(json: JsonObject, where: string): ActionCommand {
  const text = (name: string): string => asString(fieldOf(json, name) ?? "", `${where}.${name}`);
  const args = asTexts(fieldOf(json, "args") ?? [], `${where}.args`);
  const timeout = asInteger(fieldOf(json, "timeout") ?? 0, `${where}.timeout`);
  const path = text("path");
  const script = text("script");
  const mode = text("mode");
  return {
    ...(path === "" ? {} : { path }),
    ...(args.length === 0 ? {} : { args }),
    ...(script === "" ? {} : { script }),
    ...(timeout === 0 ? {} : { timeout }),
    ...(mode === "" ? {} : { mode }),
  };
}

/** Fields that no version known here has: kept, so that an edit does not lose what a newer version stored. */
function collectUnknown(
  sections: ReadonlyMap<string, JsonObject>,
): Map<string, Map<string, unknown>> {
  const unknown = new Map<string, Map<string, unknown>>();
  for (const [path, section] of sections) {
    const known = KNOWN_NAMES.get(path) as ReadonlySet<string>;
    const fields = entriesOf(section).filter(([name]) => !known.has(name.toLowerCase()));
    if (fields.length > 0) unknown.set(path, new Map(fields));
  }
  return unknown;
}

function knownNames(): Map<string, Set<string>> {
  // `id` and `target` stand beside the sections in listings; neither is part of a policy.
  const names = new Map<string, Set<string>>([[DOCUMENT, new Set([NO_PARENT.toLowerCase()])]]);
  for (const path of POLICY_SECTIONS) names.set(path, new Set());
  for (const path of [...POLICY_SECTIONS, ...POLICY_FIELD_NAMES]) {
    const { parent, name } = splitPath(path);
    names.get(parent)?.add(name.toLowerCase());
  }
  return names;
}

function splitPath(path: PolicyField | (typeof POLICY_SECTIONS)[number]): {
  readonly parent: string;
  readonly name: string;
} {
  const dot = path.lastIndexOf(".");
  return { parent: path.slice(0, Math.max(dot, 0)), name: path.slice(dot + 1) };
}

/** Sets a key that somebody else chose, `__proto__` included. */
function defineOwn(target: object | undefined, name: string, value: JsonInput): void {
  if (target === undefined) return;
  Object.defineProperty(target, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}
