import {
  KopiaError,
  type ManifestReader,
  type ManifestWriter,
  asBoolean,
  asInteger,
  asObject,
  asString,
  field,
  goStringify,
  isKopiaError,
  type JsonObject,
  parseJson,
  type JsonInput,
  type JsonValue,
} from "@kopia-engine/kopia-format";

/** Members of a JSON object by name. */
export type UnknownFields = Readonly<Record<string, JsonValue>>;

/** When one kind of maintenance runs. */
export interface MaintenanceCycle {
  readonly enabled: boolean;
  readonly intervalNs: number;
  /** Members that this program does not know, kept as they are; here and below. */
  readonly unknown?: UnknownFields;
}

/** Limits for repository logs; all zero means the defaults (spec 3 §1.1). */
export interface LogRetention {
  readonly maxTotalSizeBytes: number;
  readonly maxCount: number;
  readonly maxAgeNs: number;
  readonly unknown?: UnknownFields;
}

/** Maintenance parameters of a repository (spec 3 §1.1). */
export interface MaintenanceParameters {
  /** The one `user@host` that may maintain; empty: nobody. */
  readonly owner: string;
  readonly quick: MaintenanceCycle;
  readonly full: MaintenanceCycle;
  readonly logRetention: LogRetention;
  readonly extendObjectLocks: boolean;
  /** 0 means the default of 16. */
  readonly listParallelism: number;
  readonly unknown?: UnknownFields;
}

const LABELS = { type: "maintenance" } as const;
const FIELDS = [
  "owner",
  "quick",
  "full",
  "logRetention",
  "extendObjectLocks",
  "listParallelism",
] as const;
const NS_PER_HOUR = 3_600_000_000_000;

/** What a new repository gets; the owner is the creating client (spec 3 §1.1). */
export const DEFAULT_MAINTENANCE_PARAMETERS: MaintenanceParameters = {
  owner: "",
  quick: { enabled: true, intervalNs: NS_PER_HOUR },
  full: { enabled: true, intervalNs: 24 * NS_PER_HOUR },
  logRetention: { maxTotalSizeBytes: 2 ** 30, maxCount: 10_000, maxAgeNs: 720 * NS_PER_HOUR },
  extendObjectLocks: false,
  listParallelism: 0,
};

/** The limits in force: all zero stands for the defaults, a single zero for no limit (spec 3 §1.1). */
export function effectiveLogRetention({ logRetention }: MaintenanceParameters): LogRetention {
  const { maxTotalSizeBytes, maxCount, maxAgeNs } = logRetention;
  const isUnset = maxTotalSizeBytes === 0 && maxCount === 0 && maxAgeNs === 0;
  return isUnset ? DEFAULT_MAINTENANCE_PARAMETERS.logRetention : logRetention;
}

/** Whether the repository has maintenance parameters at all. */
export async function hasMaintenanceParameters(manifests: ManifestReader): Promise<boolean> {
  return (await manifests.find(LABELS)).length > 0;
}

/**
 * The parameters in force: those of the newest manifest, else the defaults without owner.
 * @throws KopiaError `MAINTENANCE_CORRUPT` when the manifest cannot be used.
 */
export async function getMaintenanceParameters(
  manifests: ManifestReader,
): Promise<MaintenanceParameters> {
  const newest = (await manifests.find(LABELS)).at(-1);
  if (newest === undefined) return DEFAULT_MAINTENANCE_PARAMETERS;
  const payload = await manifests.getPayload(newest.id);
  try {
    return decodeMaintenanceParameters(payload);
  } catch (cause) {
    if (!isKopiaError(cause, "JSON_INVALID")) throw cause;
    throw new KopiaError(
      "MAINTENANCE_CORRUPT",
      `maintenance parameters in manifest ${newest.id} cannot be read: ${cause.message}`,
      { details: { manifestId: newest.id }, cause },
    );
  }
}

/** Replaces the parameters; visible to others after the session's flush. */
export async function setMaintenanceParameters(
  manifests: ManifestWriter,
  parameters: MaintenanceParameters,
): Promise<void> {
  const json = goStringify(toJson(parameters, { withUnknown: true }));
  await manifests.replace(LABELS, json);
}

/** The parameters' JSON, keys in Kopia's order, without members that this program does not know. */
export function encodeMaintenanceParameters(parameters: MaintenanceParameters): string {
  return goStringify(toJson(parameters, { withUnknown: false }));
}

function toJson(
  parameters: MaintenanceParameters,
  { withUnknown }: { readonly withUnknown: boolean },
): JsonInput {
  const kept = (unknown: UnknownFields | undefined): UnknownFields =>
    withUnknown ? (unknown ?? {}) : {};
  const cycle = ({ enabled, intervalNs, unknown }: MaintenanceCycle): JsonInput => ({
    enabled,
    interval: intervalNs,
    ...kept(unknown),
  });
  const { logRetention } = parameters;
  return {
    owner: parameters.owner,
    quick: cycle(parameters.quick),
    full: cycle(parameters.full),
    logRetention: {
      maxTotalSize: logRetention.maxTotalSizeBytes,
      maxCount: logRetention.maxCount,
      maxAge: logRetention.maxAgeNs,
      ...kept(logRetention.unknown),
    },
    extendObjectLocks: parameters.extendObjectLocks,
    listParallelism: parameters.listParallelism,
    ...kept(parameters.unknown),
  };
}

/**
 * Reads the manifest's JSON; absent fields are zero, as older versions left some out.
 * @throws KopiaError `JSON_INVALID`.
 */
export function decodeMaintenanceParameters(payload: string): MaintenanceParameters {
  const document = asObject(parseJson(payload), "maintenance parameters");
  const logs = objectField(document, "logRetention");
  return {
    owner: asString(field(document, "owner") ?? "", "owner"),
    quick: decodeCycle(document, "quick"),
    full: decodeCycle(document, "full"),
    logRetention: {
      maxTotalSizeBytes: integerField(logs, "maxTotalSize"),
      maxCount: integerField(logs, "maxCount"),
      maxAgeNs: integerField(logs, "maxAge"),
      ...unknownFields(logs, ["maxTotalSize", "maxCount", "maxAge"]),
    },
    extendObjectLocks: asBoolean(
      field(document, "extendObjectLocks") ?? false,
      "extendObjectLocks",
    ),
    listParallelism: integerField(document, "listParallelism"),
    ...unknownFields(document, FIELDS),
  };
}

function decodeCycle(document: JsonObject, name: string): MaintenanceCycle {
  const cycle = objectField(document, name);
  return {
    enabled: asBoolean(field(cycle, "enabled") ?? false, `${name}.enabled`),
    intervalNs: integerField(cycle, "interval"),
    ...unknownFields(cycle, ["enabled", "interval"]),
  };
}

function unknownFields(
  object: JsonObject,
  names: readonly string[],
): { readonly unknown?: UnknownFields } {
  // Go matches keys without regard to case.
  const known = new Set(names.map((name) => name.toLowerCase()));
  const unknown = Object.entries(object).filter(([name]) => !known.has(name.toLowerCase()));
  return unknown.length === 0 ? {} : { unknown: Object.fromEntries(unknown) };
}

function objectField(document: JsonObject, name: string): JsonObject {
  const value = field(document, name);
  return value === undefined ? asObject(parseJson("{}"), name) : asObject(value, name);
}

function integerField(document: JsonObject, name: string): number {
  return asInteger(field(document, name) ?? 0, name);
}
