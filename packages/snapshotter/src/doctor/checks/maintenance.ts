import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import {
  isKopiaError,
  readEncryptedBlob,
  type MaintenanceRun,
  type MaintenanceSchedule,
} from "@kopia-engine/kopia-format";
import { loadSchedule } from "../../maintenance/schedule-store.ts";
import {
  getMaintenanceParameters,
  type MaintenanceParameters,
} from "../../model/maintenance-parameters.ts";
import { listSources } from "../../model/snapshot-store.ts";
import type { Examination } from "../examination.ts";
import { counted, finding, type Finding } from "../finding.ts";

const NS_PER_DAY = 86_400_000_000_000n;
/** Maintenance is overdue after so many intervals, and at least so many days, without it. */
const OVERDUE_INTERVALS = 3n;
const OVERDUE_DAYS = 3n;
/** Newest repository logs that are searched for the owner. */
const MAX_LOGS = 40;
const MAX_LOG_BYTES = 2 ** 20;

/** Schedule, owner and runs of maintenance (spec 3 §1). */
export async function checkMaintenance(examination: Examination): Promise<Finding[]> {
  const { repository } = examination;
  const findings: Finding[] = [];
  let schedule: MaintenanceSchedule | undefined;
  try {
    schedule = await loadSchedule(repository);
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    findings.push(finding("maintenance-schedule-damaged", { summary: error.message }));
  }
  let parameters: MaintenanceParameters;
  try {
    parameters = await getMaintenanceParameters(repository.manifests);
  } catch (error) {
    if (!isKopiaError(error)) throw error;
    return [...findings, finding("maintenance-parameters-damaged", { summary: error.message })];
  }
  if (schedule !== undefined) {
    findings.push(...checkRuns(examination, schedule, parameters));
  }
  return [...findings, ...(await checkOwner(examination, schedule, parameters))];
}

function checkRuns(
  { clock, survey }: Examination,
  schedule: MaintenanceSchedule,
  { full }: MaintenanceParameters,
): Finding[] {
  const findings: Finding[] = [];
  const runs = [...schedule.runs.values()].flat();
  const latest = newest(runs);
  if (latest?.success === false) {
    findings.push(
      finding("maintenance-failing", {
        summary: `the last task failed: ${latest.error}`,
        details: { error: latest.error },
      }),
    );
  }
  if (!full.enabled || survey.packs.size === 0) return findings;
  // Without any run the time counts from the first pack on; without new packs there is nothing to maintain.
  let oldestPack = clock.now();
  let newestPack = 0n;
  for (const { timestamp } of survey.packs.values()) {
    if (timestamp < oldestPack) oldestPack = timestamp;
    if (timestamp > newestPack) newestPack = timestamp;
  }
  const done = newest((schedule.runs.get("snapshot-gc") ?? []).filter(({ success }) => success));
  const since = done?.end ?? oldestPack;
  const limitNs = maximum(OVERDUE_INTERVALS * BigInt(full.intervalNs), OVERDUE_DAYS * NS_PER_DAY);
  const lateNs = clock.now() - since;
  if (lateNs < limitNs || newestPack <= since) return findings;
  findings.push(
    finding("maintenance-overdue", {
      summary: `no full maintenance for ${lateNs / NS_PER_DAY} days, while new packs were written`,
      details: { days: Number(lateNs / NS_PER_DAY), everRun: done !== undefined },
    }),
  );
  return findings;
}

/**
 * Whether anybody uses the owner's identity: as source of a snapshot, in a maintenance run since it became
 * the owner, in a repository log, or this client itself.
 */
async function checkOwner(
  examination: Examination,
  schedule: MaintenanceSchedule | undefined,
  { owner }: MaintenanceParameters,
): Promise<Finding[]> {
  const { repository } = examination;
  const { manifests, client } = repository;
  const sources = await listSources(manifests);
  if (sources.length === 0 || owner === `${client.username}@${client.hostname}`) return [];
  if (owner !== "") {
    if (sources.some(({ userName, host }) => owner === `${userName}@${host}`)) return [];
    const since = (await manifests.find({ type: "maintenance" })).at(-1)?.modified ?? 0n;
    const runs = [...(schedule?.runs.values() ?? [])].flat();
    if (runs.some(({ start }) => start >= since)) return [];
    if (await isInLogs(examination, owner)) return [];
  }
  const clients = new Set(sources.map(({ userName, host }) => `${userName}@${host}`));
  return [
    finding("maintenance-owner-unseen", {
      summary:
        owner === ""
          ? "nobody owns the maintenance of this repository"
          : `${owner} owns it, and has made no snapshot, run or log; ${counted(clients.size, "other identity", "other identities")} make snapshots`,
      details: { owner, clients: [...clients].slice(0, 10) },
    }),
  ];
}

/** Logs name the client by a hash (spec 3 §4). */
async function isInLogs(
  { survey, repository, crypto }: Examination,
  owner: string,
): Promise<boolean> {
  const wanted = `"span:client":"${base32(createHash("sha256").update(owner).digest().subarray(0, 10))}"`;
  for (const { id, lengthBytes } of survey.logBlobs.slice(0, MAX_LOGS)) {
    if (lengthBytes > MAX_LOG_BYTES) continue;
    try {
      const packed = await readEncryptedBlob(repository.storage, crypto, id);
      const text = gunzipSync(packed, { maxOutputLength: 16 * MAX_LOG_BYTES }).toString("utf8");
      if (text.toUpperCase().includes(wanted.toUpperCase())) return true;
    } catch {
      // A log that cannot be read says nothing.
    }
  }
  return false;
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += BASE32[(value >>> (bits - 5)) & 31];
    value &= (1 << bits) - 1;
  }
  return text;
}

function newest(runs: readonly MaintenanceRun[]): MaintenanceRun | undefined {
  return runs.toSorted((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0)).at(-1);
}

function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
