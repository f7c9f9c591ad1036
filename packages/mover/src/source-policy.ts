import type { WriteSession } from "@kopia-engine/kopia-format";
import {
  EMPTY_POLICY,
  type Policy,
  type Source,
  encodePolicy,
  getDefinedPolicy,
  setPolicy,
} from "@kopia-engine/snapshotter";
import type { MoverEnvironment, RetentionCounts } from "./environment.ts";

/**
 * The policy that a Job's environment asks for: its compression and the retention counts it names;
 * everything else stays as stored, and what is nowhere set is inherited (spec 4 §2.6, §2.7).
 */
export function withJobPolicy(
  policy: Policy,
  job: Pick<MoverEnvironment, "compression" | "retention">,
): Policy {
  const { compression } = job;
  return {
    ...policy,
    retention: { ...policy.retention, ...retentionFields(job.retention) },
    compression:
      compression === undefined
        ? policy.compression
        : { ...policy.compression, compressorName: compression },
  };
}

/**
 * Stores the Job's policy for the source it records, before the snapshot, so that it counts for this
 * run already. Nothing is written when nothing changes.
 * @returns whether the stored policy changed.
 * @throws KopiaError `POLICY_INVALID`.
 */
export async function applyJobPolicy(
  session: WriteSession,
  source: Source,
  job: Pick<MoverEnvironment, "compression" | "retention">,
): Promise<boolean> {
  const stored = (await getDefinedPolicy(session.manifests, source))?.policy ?? EMPTY_POLICY;
  const wanted = withJobPolicy(stored, job);
  if (encodePolicy(wanted) === encodePolicy(stored)) return false;
  await setPolicy(session.manifests, source, wanted);
  return true;
}

function retentionFields(counts: RetentionCounts): Policy["retention"] {
  const { latest, hourly, daily, weekly, monthly, annual } = counts;
  return {
    ...(latest === undefined ? {} : { keepLatest: latest }),
    ...(hourly === undefined ? {} : { keepHourly: hourly }),
    ...(daily === undefined ? {} : { keepDaily: daily }),
    ...(weekly === undefined ? {} : { keepWeekly: weekly }),
    ...(monthly === undefined ? {} : { keepMonthly: monthly }),
    ...(annual === undefined ? {} : { keepAnnual: annual }),
  };
}
