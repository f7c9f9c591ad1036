import type { DirectoryInspection, FileTally, TimeNs } from "@kopia-engine/kopia-format";
import { counted, finding, type Finding } from "../finding.ts";
import type { BlobSurvey } from "../survey-blobs.ts";

/** A temporary file this young may belong to a write under way. */
const MIN_TEMPORARY_AGE_NS = 3_600_000_000_000n;

/** What the files of a storage directory show. */
export function checkStorageFiles(inspection: DirectoryInspection, now: TimeNs): Finding[] {
  const { misplaced, temporary, unreadable, oddModes, owners, shardsError } = inspection;
  const findings: Finding[] = [];
  if (shardsError !== undefined) {
    findings.push(finding("shards-damaged", { summary: shardsError.message, affected: "all" }));
  }
  if (misplaced.count > 0) {
    findings.push(
      finding("shards-mismatch", {
        summary: `${counted(misplaced.count, "blob")} of ${inspection.blobs.count} not where .shards puts them: ${shown(misplaced)}`,
        details: tallyDetails(misplaced),
      }),
    );
  }
  if (unreadable.count > 0) {
    findings.push(
      finding("storage-unreadable", {
        summary: `${counted(unreadable.count, "directory", "directories")} cannot be read: ${shown(unreadable)}`,
        details: tallyDetails(unreadable),
        affected: "all",
      }),
    );
  }
  if (oddModes.count > 0 || owners.size > 1) {
    const byOwner = [...owners].map(([owner, count]) => `${count} of ${owner}`).join(", ");
    findings.push(
      finding("storage-permissions", {
        summary: [
          owners.size > 1 ? `files have ${owners.size} owners: ${byOwner}` : "",
          oddModes.count > 0
            ? `${counted(oddModes.count, "file")} that others may write or the owner may not: ${shown(oddModes)}`
            : "",
        ]
          .filter((part) => part !== "")
          .join("; "),
        details: { owners: Object.fromEntries(owners), ...tallyDetails(oddModes) },
      }),
    );
  }
  if (temporary.oldest !== undefined && now - temporary.oldest >= MIN_TEMPORARY_AGE_NS) {
    findings.push(
      finding("temporary-files", {
        summary: `${counted(temporary.count, "file")}, ${temporary.totalBytes} bytes: ${shown(temporary)}`,
        details: tallyDetails(temporary),
      }),
    );
  }
  return findings;
}

/** Files and blobs that nobody knows. */
export function checkForeignFiles(
  inspection: DirectoryInspection | undefined,
  survey: BlobSurvey,
): Finding[] {
  const blobs = survey.strangeBlobs.map(({ id }) => id);
  // Files include blobs: their paths say more.
  const count = inspection?.foreign.count ?? blobs.length;
  if (count === 0) return [];
  const examples = inspection?.foreign.examples ?? blobs.slice(0, 10);
  return [
    finding("foreign-files", {
      summary: `${counted(count, "file")}: ${examples.join(", ")}`,
      details: { count, examples: [...examples] },
    }),
  ];
}

function shown({ count, examples }: FileTally): string {
  const some = examples.slice(0, 3).join(", ");
  return count > 3 ? `${some}, …` : some;
}

function tallyDetails({ count, totalBytes, examples }: FileTally): Finding["details"] {
  return { count, totalBytes, examples: [...examples] };
}
