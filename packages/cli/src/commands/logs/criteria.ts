import {
  NS_PER_SECOND,
  listLogSessions,
  systemClock,
  type LogSession,
  type Repository,
} from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { booleanFlag, countFlag, durationFlag, type FlagValues } from "../../parser/flag.ts";

/** Flags that choose log sessions. */
export const criteriaFlags = {
  all: booleanFlag("all", { help: "All logs" }),
  latest: countFlag("latest", { short: "n", help: "Only the last ones", placeholder: "N" }),
  youngerThan: durationFlag("younger-than", { help: "Logs that began since" }),
  olderThan: durationFlag("older-than", { help: "Logs that began before" }),
};

/** What is known about the chosen sessions. */
export interface ChosenLogs {
  readonly sessions: readonly LogSession[];
  /** How many there are before anything was chosen. */
  readonly totalCount: number;
}

/** Log sessions by flags, oldest first. */
export async function chooseLogSessions(
  context: CommandContext,
  repository: Repository,
  flags: FlagValues<typeof criteriaFlags>,
): Promise<ChosenLogs> {
  const all = await listLogSessions(repository.storage);
  if (flags.all) return { sessions: all, totalCount: all.length };
  const now = (context.io.clock ?? systemClock).now();
  const { youngerThan, olderThan, latest = 0 } = flags;
  const chosen = all.filter(({ startSeconds }) => {
    const age = now - BigInt(startSeconds) * NS_PER_SECOND;
    if (youngerThan !== undefined && youngerThan > 0 && age >= BigInt(youngerThan)) return false;
    return olderThan === undefined || olderThan <= 0 || age > BigInt(olderThan);
  });
  return { sessions: latest > 0 ? chosen.slice(-latest) : chosen, totalCount: all.length };
}
