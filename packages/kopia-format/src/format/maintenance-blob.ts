import { utf8Encode, type Bytes } from "../base/bytes.ts";
import type { TimeNs } from "../base/clock.ts";
import { KopiaError } from "../base/errors.ts";
import { goStringify } from "../base/go-json.ts";
import { GO_ZERO_TIME, formatGoTime, parseGoTime } from "../base/go-time.ts";
import { asArray, asObject } from "../base/json-fields.ts";
import type { JsonInput, JsonValue } from "../base/json-value.ts";
import type { RandomBytes } from "../base/random.ts";
import { FieldReader, decodeJsonDocument } from "./json-document.ts";
import { deriveRepositoryKey } from "./key-derivation.ts";
import type { RepositoryFormat } from "./repository-format.ts";
import { openBox, sealBox, type BoxKey } from "./sealed-box.ts";

/** Blob ID of the maintenance schedule. */
export const MAINTENANCE_BLOB_ID = "kopia.maintenance";
/** Runs that are kept for each task, newest first (spec 1 §2.8). */
export const MAX_RUNS_PER_TASK = 50;

/** One run of a maintenance task. */
export interface MaintenanceRun {
  readonly start: TimeNs;
  readonly end: TimeNs;
  readonly success: boolean;
  /** Empty when it succeeded. */
  readonly error: string;
  /** Statistics as `{kind, data}` objects, kept as they are. */
  readonly extra: readonly JsonValue[];
  /** Members that this program does not know, kept as they are. */
  readonly unknown?: Readonly<Record<string, JsonValue>>;
}

/** Content of `kopia.maintenance` (spec 1 §2.8). */
export interface MaintenanceSchedule {
  readonly nextFullMaintenance: TimeNs;
  readonly nextQuickMaintenance: TimeNs;
  /** Runs by task name, newest first; names that this program does not know are kept. */
  readonly runs: ReadonlyMap<string, readonly MaintenanceRun[]>;
  /** Members that this program does not know, kept as they are. */
  readonly unknown?: Readonly<Record<string, JsonValue>>;
}

const SCHEDULE_FIELDS: ReadonlySet<string> = new Set([
  "nextFullMaintenance",
  "nextQuickMaintenance",
  "runs",
]);
const RUN_FIELDS: ReadonlySet<string> = new Set(["start", "end", "success", "error", "extra"]);

/** The schedule of a repository that has none yet. */
export const EMPTY_SCHEDULE: MaintenanceSchedule = {
  nextFullMaintenance: GO_ZERO_TIME,
  nextQuickMaintenance: GO_ZERO_TIME,
  runs: new Map(),
};

/**
 * Decrypts and decodes `kopia.maintenance`.
 * @throws KopiaError `MAINTENANCE_CORRUPT`.
 */
export function decodeMaintenanceBlob(
  format: RepositoryFormat,
  blob: Uint8Array,
): MaintenanceSchedule {
  const plaintext = openBox(maintenanceBoxKey(format), blob);
  if (plaintext === undefined) {
    throw new KopiaError(
      "MAINTENANCE_CORRUPT",
      `${MAINTENANCE_BLOB_ID} cannot be decrypted (${blob.length} bytes)`,
      { details: { blobId: MAINTENANCE_BLOB_ID, lengthBytes: blob.length } },
    );
  }
  const options = { where: MAINTENANCE_BLOB_ID, corruptCode: "MAINTENANCE_CORRUPT" } as const;
  return decodeJsonDocument(plaintext, options, (fields) => ({
    nextFullMaintenance: timeOf(fields, "nextFullMaintenance"),
    nextQuickMaintenance: timeOf(fields, "nextQuickMaintenance"),
    runs: runsOf(fields.child("runs")),
    ...unknownOf(fields, SCHEDULE_FIELDS),
  }));
}

/** Encodes and encrypts a schedule; of each task the newest 50 runs are kept. */
export function encodeMaintenanceBlob(
  format: RepositoryFormat,
  schedule: MaintenanceSchedule,
  random: RandomBytes,
): Bytes {
  const runs = new Map<string, JsonInput>();
  for (const [task, taskRuns] of schedule.runs) {
    runs.set(task, taskRuns.slice(0, MAX_RUNS_PER_TASK).map(runJson));
  }
  const json = goStringify({
    nextFullMaintenance: formatGoTime(schedule.nextFullMaintenance),
    nextQuickMaintenance: formatGoTime(schedule.nextQuickMaintenance),
    runs: runs.size === 0 ? null : runs,
    ...schedule.unknown,
  });
  return sealBox(maintenanceBoxKey(format), utf8Encode(json), random);
}

function maintenanceBoxKey(format: RepositoryFormat): BoxKey {
  return {
    key: deriveRepositoryKey(format, { purpose: "maintenance schedule", lengthBytes: 32 }),
    additionalData: utf8Encode("maintenance"),
  };
}

function runsOf(fields: FieldReader | undefined): Map<string, MaintenanceRun[]> {
  const runs = new Map<string, MaintenanceRun[]>();
  for (const [task, value] of Object.entries(fields?.object ?? {})) {
    const where = `${MAINTENANCE_BLOB_ID}.runs.${task}`;
    const list = value === null ? [] : asArray(value, where);
    runs.set(
      task,
      list.map((run) => runOf(new FieldReader(asObject(run, where), where))),
    );
  }
  return runs;
}

function runOf(fields: FieldReader): MaintenanceRun {
  return {
    start: timeOf(fields, "start"),
    end: timeOf(fields, "end"),
    success: fields.boolean("success"),
    error: fields.string("error"),
    extra: fields.array("extra"),
    ...unknownOf(fields, RUN_FIELDS),
  };
}

function runJson(run: MaintenanceRun): JsonInput {
  return {
    start: formatGoTime(run.start),
    end: formatGoTime(run.end),
    success: run.success || undefined,
    error: run.error || undefined,
    extra: run.extra.length === 0 ? undefined : run.extra,
    ...run.unknown,
  };
}

function unknownOf(
  fields: FieldReader,
  names: ReadonlySet<string>,
): { readonly unknown?: Readonly<Record<string, JsonValue>> } {
  const unknown = fields.unknownFields(names);
  return Object.keys(unknown).length === 0 ? {} : { unknown };
}

function timeOf(fields: FieldReader, name: string): TimeNs {
  const text = fields.string(name);
  return text === "" ? GO_ZERO_TIME : parseGoTime(text, `${MAINTENANCE_BLOB_ID}.${name}`);
}
