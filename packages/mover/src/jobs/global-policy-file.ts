import { readFileSync, statSync } from "node:fs";
import {
  type JsonObject,
  type JsonValue,
  KopiaError,
  type WriteSession,
  asArray,
  asBoolean,
  asInteger,
  asObject,
  asString,
  errorMessage,
  field,
  parseGoDuration,
  NS_PER_SECOND,
} from "@kopia-engine/kopia-format";
import {
  EMPTY_POLICY,
  GLOBAL_TARGET,
  type Policy,
  encodePolicy,
  getDefinedPolicy,
  setPolicy,
} from "@kopia-engine/snapshotter";
import { parseObject } from "../environment/manual-config.ts";
import type { JobContext } from "./job-context.ts";

const MAX_FILE_BYTES = 2 ** 20;

/**
 * Applies the mounted global policy file to the repository's global policy (spec 4 §2.6). Its mistakes never
 * stop a backup; each is reported. Nothing is written when nothing changes: every mover of a cluster
 * has the same file.
 */
export async function applyGlobalPolicyFile(
  session: WriteSession,
  path: string,
  { log }: JobContext,
): Promise<void> {
  const stored = (await getDefinedPolicy(session.manifests, GLOBAL_TARGET))?.policy ?? EMPTY_POLICY;
  const errors: string[] = [];
  let applied = 0;
  let policy = stored;
  try {
    const document = readDocument(path);
    for (const [name, read] of Object.entries(READERS)) {
      try {
        const next = read(policy, document);
        if (next === undefined) continue;
        policy = next;
        applied++;
      } catch (error) {
        errors.push(`${name}: ${errorMessage(error)}`);
      }
    }
    if (encodePolicy(policy) !== encodePolicy(stored))
      await setPolicy(session.manifests, GLOBAL_TARGET, policy);
  } catch (error) {
    errors.push(errorMessage(error));
  }
  for (const error of errors) log.error(`Global policy file ${path}: ${error}`);
  log.info(`Policy configuration summary: ${applied} applied, ${errors.length} errors`);
}

function readDocument(path: string): JsonObject {
  const { size } = statSync(path);
  if (size > MAX_FILE_BYTES)
    throw new KopiaError("MOVER_ENVIRONMENT", `is larger than 1 MiB (${size} bytes); ignored`);
  return parseObject(path, readFileSync(path, "utf8"));
}

type Reader = (policy: Policy, document: JsonObject) => Policy | undefined;

/** Every documented key on the real policy field (spec 4 §2.6, FIX). */
const READERS: Readonly<Record<string, Reader>> = {
  "retention.keepLatest": retention("keepLatest", "keepLatest"),
  "retention.keepHourly": retention("keepHourly", "keepHourly"),
  "retention.keepDaily": retention("keepDaily", "keepDaily"),
  "retention.keepWeekly": retention("keepWeekly", "keepWeekly"),
  "retention.keepMonthly": retention("keepMonthly", "keepMonthly"),
  "retention.keepYearly": retention("keepYearly", "keepAnnual"),
  "retention.keepAnnual": retention("keepAnnual", "keepAnnual"),
  "compression.compressor": (policy, document) => {
    const value = at(document, "compression", "compressor");
    if (value === undefined) return undefined;
    const compressorName = asString(value, "compression.compressor");
    return { ...policy, compression: { ...policy.compression, compressorName } };
  },
  "scheduling.interval": (policy, document) => {
    const value = at(document, "scheduling", "interval");
    if (value === undefined) return undefined;
    const text = asString(value, "scheduling.interval");
    const intervalNs = parseGoDuration(text);
    if (intervalNs === undefined)
      throw new KopiaError("MOVER_ENVIRONMENT", `"${text}" is not a duration such as 1h30m`);
    const intervalSeconds = intervalNs / NS_PER_SECOND;
    return { ...policy, scheduling: { ...policy.scheduling, intervalSeconds } };
  },
  "files.ignore": files("ignore", strings),
  "files.ignoreDotFiles": files("ignoreDotFiles", strings),
  "files.noParentIgnore": files("noParentIgnore", asBoolean),
  "files.ignoreCacheDirs": files("ignoreCacheDirs", asBoolean),
  "files.oneFileSystem": files("oneFileSystem", asBoolean),
  "files.maxFileSize": files("maxFileSize", (value, where) => BigInt(asInteger(value, where))),
};

function retention(key: string, name: keyof Policy["retention"]): Reader {
  return (policy, document) => {
    const value = at(document, "retention", key);
    if (value === undefined) return undefined;
    const count = asInteger(value, `retention.${key}`);
    return { ...policy, retention: { ...policy.retention, [name]: count } };
  };
}

function files(
  name: keyof Policy["files"],
  read: (value: JsonValue, where: string) => unknown,
): Reader {
  return (policy, document) => {
    const value = at(document, "files", name);
    if (value === undefined) return undefined;
    return { ...policy, files: { ...policy.files, [name]: read(value, `files.${name}`) } };
  };
}

function at(document: JsonObject, section: string, key: string): JsonValue | undefined {
  const holder = field(document, section);
  if (holder === undefined || holder === null) return undefined;
  const value = field(asObject(holder, section), key);
  return value === null ? undefined : value;
}

function strings(value: JsonValue, where: string): string[] {
  return asArray(value, where).map((item, index) => asString(item, `${where}[${index}]`));
}
