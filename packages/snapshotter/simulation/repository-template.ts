import {
  DEFAULT_EPOCH_PARAMETERS,
  MemoryStorage,
  createRepository,
  type Bytes,
  type RepositoryFormat,
} from "@kopia-engine/kopia-format";
import { SeededChoices } from "./seeded-choices.ts";
import { HOUR, MINUTE } from "./simulated-time.ts";
import type { WorldPlan } from "./world-plan.ts";

/** A new repository: its format, and the blobs that creating it wrote. */
export interface RepositoryTemplate {
  readonly format: RepositoryFormat;
  readonly blobs: readonly (readonly [id: string, data: Bytes])[];
}

const PASSWORD = "simulated";
const templates = new Map<string, Promise<RepositoryTemplate>>();

/**
 * The repository that a world begins with. The key is derived once a process: that alone takes longer
 * than a simulated month.
 */
export async function repositoryTemplate(plan: WorldPlan): Promise<RepositoryTemplate> {
  const version = plan.scheme === "epochs" ? 3 : 1;
  const key = String(version);
  const made = templates.get(key) ?? makeTemplate(version);
  templates.set(key, made);
  const { format, blobs } = await made;
  const epochParameters =
    plan.scheme === "older"
      ? format.content.epochParameters
      : {
          ...DEFAULT_EPOCH_PARAMETERS,
          epochRefreshFrequencyNs: 20 * MINUTE,
          cleanupSafetyMarginNs: 4 * HOUR,
          minEpochDurationNs: plan.minEpochDurationNs,
          epochAdvanceOnCountThreshold: plan.epochCountThreshold,
          fullCheckpointFrequency: plan.fullCheckpointFrequency,
        };
  const { maxPackSizeBytes } = plan;
  return {
    blobs,
    format: { ...format, content: { ...format.content, epochParameters, maxPackSizeBytes } },
  };
}

async function makeTemplate(version: number): Promise<RepositoryTemplate> {
  const storage = new MemoryStorage();
  const random = new SeededChoices(version).bytes();
  const format = await createRepository(storage, {
    password: PASSWORD,
    random,
    format: { version, hash: "HMAC-SHA256-128", splitter: "FIXED-1M" },
  });
  const blobs: [string, Bytes][] = [];
  for await (const { id } of storage.list("")) blobs.push([id, await storage.get(id)]);
  return { format, blobs };
}
