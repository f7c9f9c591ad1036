import type { WriteSession } from "@kopia-engine/kopia-format";
import {
  EMPTY_POLICY,
  type Policy,
  type Source,
  encodePolicy,
  getDefinedPolicy,
  setPolicy,
} from "@kopia-engine/snapshotter";
import type { MoverEnvironment, RetentionCounts } from "../environment/environment.ts";

/** What of a Job concerns the source's policy. */
export interface JobPolicy extends Pick<
  MoverEnvironment,
  "compression" | "retention" | "strictRetention"
> {
  readonly oneFileSystem?: boolean;
  readonly ignoreCacheDirs?: boolean;
}

/**
 * The policy that a Job's environment asks for: its compression and the retention counts it names;
 * everything else stays as stored, and what is nowhere set is inherited (spec 4 §2.6, §2.7).
 */
export function withJobPolicy(policy: Policy, job: JobPolicy): Policy {
  const { compression, oneFileSystem, ignoreCacheDirs } = job;
  return {
    ...policy,
    retention: {
      ...policy.retention,
      ...(job.strictRetention && Object.keys(job.retention).length > 0 ? KEEP_NOTHING : {}),
      ...retentionFields(job.retention),
    },
    files: {
      ...policy.files,
      ...(oneFileSystem === undefined ? {} : { oneFileSystem }),
      ...(ignoreCacheDirs === undefined ? {} : { ignoreCacheDirs }),
    },
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
  job: JobPolicy,
): Promise<boolean> {
  const stored = (await getDefinedPolicy(session.manifests, source))?.policy ?? EMPTY_POLICY;
  const wanted = withJobPolicy(stored, job);
  if (encodePolicy(wanted) === encodePolicy(stored)) return false;
  await setPolicy(session.manifests, source, wanted);
  return true;
}

/** For `KOPIA_RETAIN_STRICT`: what the Job does not name is not kept, instead of inherited. */
const KEEP_NOTHING = {
  keepLatest: 0,
  keepHourly: 0,
  keepDaily: 0,
  keepWeekly: 0,
  keepMonthly: 0,
  keepAnnual: 0,
};

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
