import { readConnection, writeConnection, type ThrottlingLimits } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { defineCommand } from "../../parser/command.ts";
import { textFlag, type FlagTable } from "../../parser/flag.ts";
import { connectionPath } from "../../session/open-session.ts";
import { THROTTLE_LIMITS, currentLimits, type ThrottleLimit } from "./throttle-limits.ts";

const flags: FlagTable = Object.fromEntries(
  THROTTLE_LIMITS.map(({ field, flag, name }) => [
    field,
    textFlag(flag, { help: `Limit of ${name}, or "unlimited"` }),
  ]),
);

/** `repository throttle set`: changes the connection file (spec 3 §5). */
export const command = defineCommand({
  flags,
  arguments: {},
  async run(context, input) {
    const limits: { -readonly [K in keyof ThrottlingLimits]: ThrottlingLimits[K] } = {
      ...(await currentLimits(context)),
    };
    let isChanged = false;
    for (const limit of THROTTLE_LIMITS) {
      const text = input.flags[limit.field] as string | undefined;
      if (text === undefined) continue;
      limits[limit.field] = readLimit(context, limit, text);
      isChanged = true;
    }
    if (!isChanged) {
      context.log.info("No changes made.");
      return;
    }
    for (const { field, errorName, kind } of THROTTLE_LIMITS) {
      if ((limits[field] ?? 0) >= 0) continue;
      const reason = kind === "count" ? "invalid limit" : "limit cannot be negative";
      throw new CommandError(`error setting limits: ${errorName}: ${reason}`);
    }
    const configPath = connectionPath(context);
    const connection = await readConnection(configPath);
    const client = { ...connection.client, throttlingLimits: limits };
    await writeConnection(configPath, { ...connection, client });
  },
});

function readLimit({ log, formatBytes }: CommandContext, limit: ThrottleLimit, text: string) {
  const { name, kind } = limit;
  if (text === "-" || text === "unlimited") {
    log.info(`Setting ${name} to a unlimited.`);
    return 0;
  }
  const isValid = kind === "count" ? /^[+-]?\d{1,15}$/ : /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  if (!isValid.test(text)) {
    const parser = kind === "count" ? "Atoi" : "ParseFloat";
    const quoted = JSON.stringify(text);
    throw new CommandError(
      `can't parse the ${name} ${quoted}: strconv.${parser}: parsing ${quoted}: invalid syntax`,
    );
  }
  const value = Number(text);
  const shown = kind === "speed" ? `${formatBytes(value)}/s` : String(value);
  log.info(`Setting ${name} to ${shown}.`);
  return value;
}
