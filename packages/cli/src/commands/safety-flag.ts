import type { Safety } from "@kopia-engine/snapshotter";
import { textFlag, type Flag } from "../parser/flag.ts";
import { UsageError } from "../parser/usage-error.ts";

const text = textFlag("safety", { help: "Safety margins: full or none", default: "full" });

/** `--safety` of commands that delete or move. */
export const safetyFlag: Flag<Safety> = {
  ...text,
  read(raw) {
    const value = text.read(raw);
    if (value === "full" || value === "none") return value;
    throw new UsageError("unhandled safety level");
  },
};
