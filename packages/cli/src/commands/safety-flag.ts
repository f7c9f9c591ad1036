import type { Safety } from "@kopia-engine/snapshotter";
import { CommandError } from "../command-error.ts";
import { textFlag } from "../parser/flag.ts";

/** `--safety` of commands that delete or move. */
export const safetyFlag = textFlag("safety", {
  help: "Safety margins: full or none",
  default: "full",
});

/** @throws CommandError for another word. */
export function parseSafety(text: string): Safety {
  if (text === "full" || text === "none") return text;
  throw new CommandError(`enum value must be one of none,full, got '${text}'`);
}
