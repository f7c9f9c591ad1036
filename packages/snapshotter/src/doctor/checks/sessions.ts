import {
  NS_PER_SECOND,
  decodeSessionMarker,
  isKopiaError,
  sessionIdOfBlob,
} from "@kopia-engine/kopia-format";
import { SAFETY } from "../../maintenance/safety-parameters.ts";
import type { Examination } from "../examination.ts";
import { counted, finding, someOf, type Finding } from "../finding.ts";

/** Session markers: unreadable ones stop maintenance, old ones tell of clients that died (spec 3 §1.10). */
export async function checkSessions(examination: Examination): Promise<Finding[]> {
  const { survey, repository, crypto, clock } = examination;
  const damaged = new Map<string, string>();
  const stale: { readonly blobId: string; readonly who: string }[] = [];
  for (const { id, timestamp } of survey.sessionBlobs) {
    if (sessionIdOfBlob(id) === undefined) {
      damaged.set(id, "its name has no session");
      continue;
    }
    try {
      const data = await repository.storage.get(id);
      const marker = decodeSessionMarker(crypto, { id, data });
      // From here on maintenance takes the session for dead.
      if (clock.now() - timestamp < SAFETY.full.sessionExpirationNs) continue;
      stale.push({ blobId: id, who: `${marker.username}@${marker.hostname}` });
    } catch (error) {
      if (!isKopiaError(error)) throw error;
      // A session that has ended meanwhile is a good one.
      if (error.code !== "BLOB_NOT_FOUND") damaged.set(id, error.message);
    }
  }
  const findings: Finding[] = [];
  const [first] = damaged;
  if (first !== undefined) {
    findings.push(
      finding("session-marker-damaged", {
        summary: `${counted(damaged.size, "session marker")}, for example ${first[0]}: ${first[1]}`,
        details: { blobs: someOf(damaged.keys()) },
      }),
    );
  }
  if (stale.length > 0) {
    const hours = SAFETY.full.sessionExpirationNs / (3600n * NS_PER_SECOND);
    const clients = someOf(new Set(stale.map(({ who }) => who)));
    findings.push(
      finding("session-stale", {
        summary: `${counted(stale.length, "session")} older than ${hours} hours, of ${clients.join(", ")}`,
        details: { blobs: someOf(stale.map(({ blobId }) => blobId)), clients },
      }),
    );
  }
  return findings;
}
