import { isKopiaError } from "@kopia-engine/kopia-format";
import { listSnapshots } from "../../model/snapshot-store.ts";
import { formatSource, type Source } from "../../model/source.ts";
import { getEffectivePolicy } from "../../policy/policy-store.ts";
import type { RetentionPolicy } from "../../policy/policy.ts";
import type { Examination } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

/** Sources whose policy keeps nothing: their next snapshot deletes the earlier ones. */
export async function checkRetention({ repository }: Examination): Promise<Finding[]> {
  const { manifests } = repository;
  const snapshots = await listSnapshots(manifests);
  const sources = new Map<string, Source>();
  for (const { source, incompleteReason } of snapshots) {
    if (incompleteReason === "") sources.set(formatSource(source), source);
  }
  const unsafe: string[] = [];
  for (const [name, source] of sources) {
    try {
      const { policy } = await getEffectivePolicy(manifests, source);
      if (keepsNothing(policy.retention)) unsafe.push(name);
    } catch (error) {
      // A policy that cannot be read keeps everything: expiring fails.
      if (!isKopiaError(error)) throw error;
    }
  }
  if (unsafe.length === 0) return [];
  return [
    finding("retention-keeps-nothing", {
      summary: `${counted(unsafe.length, "source")}: ${someOf(unsafe).join(", ")}`,
      details: { sources: someOf(unsafe) },
    }),
  ];
}

function keepsNothing(retention: RetentionPolicy): boolean {
  const { keepLatest, keepHourly, keepDaily, keepWeekly, keepMonthly, keepAnnual } = retention;
  return [keepLatest, keepHourly, keepDaily, keepWeekly, keepMonthly, keepAnnual].every(
    (count) => (count ?? 0) <= 0,
  );
}
