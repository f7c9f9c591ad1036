import { goStringify, THROTTLING_NUMBERS } from "@kopia-engine/kopia-format";
import type { FormatBytes } from "../../output/sizes.ts";
import { jsonFlags, printJsonObject } from "../../output/json-output.ts";
import { defineCommand } from "../../parser/command.ts";
import { THROTTLE_LIMITS, currentLimits, type ThrottleLimit } from "./throttle-limits.ts";

const LABEL_WIDTH = 31;

/** `repository throttle get` (spec 3 §5). */
export const command = defineCommand({
  flags: { ...jsonFlags },
  arguments: {},
  async run(context, { flags }) {
    const limits = await currentLimits(context);
    if (flags.json) {
      // The order is that of connection files, not that of the text.
      const fields = THROTTLING_NUMBERS.map((field) => [field, limits[field]] as const);
      const present = fields.filter(([, value]) => value !== undefined && value !== 0);
      printJsonObject(context.out, goStringify(Object.fromEntries(present)), {
        indent: flags.jsonIndent,
      });
      return;
    }
    for (const limit of THROTTLE_LIMITS) {
      const value = shownLimit(limit, limits[limit.field] ?? 0, context.formatBytes);
      context.out.line(`${limit.label.padEnd(LABEL_WIDTH)}${value}`);
    }
  },
});

function shownLimit({ kind }: ThrottleLimit, value: number, formatBytes: FormatBytes): string {
  if (value === 0) return "(unlimited)";
  return kind === "speed" ? `${formatBytes(value)}/s` : roundHalfToEven(value);
}

/** As Go prints a number without decimals. */
function roundHalfToEven(value: number): string {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return String(Math.round(value));
  return String(floor % 2 === 0 ? floor : floor + 1);
}
