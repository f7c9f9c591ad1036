import { afterAll, expect, test } from "vitest";
import { CRASH_COMMANDS } from "./crash/crash-commands.ts";
import { crashTemplate, type CrashTemplate, type TemplateKind } from "./crash/crash-template.ts";
import { enumerateDeaths } from "./crash/enumerate-deaths.ts";

/** Deaths tried of each command; all with `CRASH_DEATHS=all`, or by the `crash-points` script. */
const WANTED = process.env["CRASH_DEATHS"] ?? "3";
const MAX_DEATHS = WANTED === "all" ? Infinity : Number(WANTED);

const templates = new Map<TemplateKind, Promise<CrashTemplate>>();

afterAll(async () => {
  for (const template of templates.values()) (await template)[Symbol.dispose]();
});

test.each(CRASH_COMMANDS)(
  "killed anywhere, the repository is whole and another run ends as if nothing had happened: $name",
  async (command) => {
    const made = templates.get(command.template) ?? crashTemplate(command.template);
    templates.set(command.template, made);
    const report = await enumerateDeaths(command, await made, { maxDeaths: MAX_DEATHS });
    expect(report.failures).toEqual([]);
    expect(report.deathCount).toBeGreaterThan(0);
  },
  600_000,
);
