import { errorMessage, isKopiaError } from "@kopia-engine/kopia-format";
import type { MoverLog } from "./mover-log.ts";

const MAX_CAUSES = 5;

/** What failed, with its causes. */
export function describeFailure(error: unknown): string {
  const texts: string[] = [];
  for (
    let at: unknown = error;
    at !== undefined && texts.length < MAX_CAUSES;
    at = at instanceof Error ? at.cause : undefined
  )
    if (!texts.includes(errorMessage(at))) texts.push(errorMessage(at));
  return texts.join(": ");
}

/** Says what failed and what to do: the operator keeps only the log's end (spec 4 §2.11). */
export function explain(error: unknown, log: MoverLog): void {
  log.fatal(describeFailure(error));
  if (isKopiaError(error)) log.plain(error.advice);
}
