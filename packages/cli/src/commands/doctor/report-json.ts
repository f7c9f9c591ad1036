import { formatGoTime, goStringify, type JsonInput } from "@kopia-engine/kopia-format";
import type { DoctorReport } from "@kopia-engine/snapshotter";

/** The report as one JSON document. */
export function reportToJson(report: DoctorReport): string {
  const { verdict, examinedAt, storage, uniqueId, findings, incomplete, totals } = report;
  return goStringify({
    verdict,
    examinedAt: formatGoTime(examinedAt),
    storage,
    uniqueId,
    totals: { ...totals },
    findings: findings.map((finding): JsonInput => {
      const { code, severity, title, summary, details, affected, nextSteps } = finding;
      return {
        code,
        severity,
        title,
        summary,
        details: { ...details },
        affectedSnapshots:
          affected === "all"
            ? "all"
            : affected.map((snapshot) => ({
                id: snapshot.manifestId,
                source: snapshot.source,
                startTime: formatGoTime(snapshot.startTime),
                isInvisible: snapshot.isInvisible,
                fileCount: snapshot.fileCount,
                examples: [...snapshot.examples],
              })),
        nextSteps: [...nextSteps],
      };
    }),
    incomplete: incomplete.map(({ check, reason }) => ({ check, reason })),
  });
}
