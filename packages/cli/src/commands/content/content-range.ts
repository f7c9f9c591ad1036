import type { ContentIdRange } from "@kopia-engine/kopia-format";
import { CommandError } from "../../command-error.ts";
import { booleanFlag, textFlag, type FlagValues } from "../../parser/flag.ts";

/** Behind every character that a content ID can have. */
const AFTER_ALL = "~";

/** Flags that choose contents. */
export const rangeFlags = {
  prefix: textFlag("prefix", { help: "Contents whose ID begins with this" }),
  prefixed: booleanFlag("prefixed", { help: "Contents with any prefix letter (metadata)" }),
  nonPrefixed: booleanFlag("non-prefixed", { help: "Contents without prefix letter (file data)" }),
};

/** The range that the flags describe; `undefined` for all. @throws CommandError. */
export function contentRange(flags: FlagValues<typeof rangeFlags>): ContentIdRange | undefined {
  const { prefix = "", prefixed, nonPrefixed } = flags;
  if ([prefix !== "", prefixed, nonPrefixed].filter(Boolean).length > 1)
    throw new CommandError("only one of --prefix, --prefixed and --non-prefixed can be given");
  if (prefix !== "") return { start: prefix, end: `${prefix}${AFTER_ALL}` };
  if (prefixed) return { start: "g", end: AFTER_ALL };
  if (nonPrefixed) return { start: "", end: "g" };
  return undefined;
}
