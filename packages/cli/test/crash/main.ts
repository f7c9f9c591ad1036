import { systemClock } from "@kopia-engine/kopia-format";
import { CRASH_COMMANDS } from "./crash-commands.ts";
import { crashTemplate, type CrashTemplate, type TemplateKind } from "./crash-template.ts";
import { enumerateDeaths } from "./enumerate-deaths.ts";

/** Kills every command (or those whose name has the given word in it) at every file operation. */
const [word = ""] = process.argv.slice(2);
const templates = new Map<TemplateKind, CrashTemplate>();
const started = systemClock.now();
let deaths = 0;
let failed = 0;
for (const command of CRASH_COMMANDS.filter(({ name }) => name.includes(word))) {
  const template = templates.get(command.template) ?? (await crashTemplate(command.template));
  templates.set(command.template, template);
  const report = await enumerateDeaths(command, template);
  deaths += report.deathCount;
  failed += report.failures.length;
  const outcome = report.unavailable
    ? "not available"
    : `${report.operationCount} operations, ${report.deathCount} deaths, ${report.failures.length} failures`;
  process.stdout.write(`${command.name}: ${outcome}\n`);
  for (const failure of report.failures) process.stdout.write(`  ${failure}\n`);
}
for (const template of templates.values()) template[Symbol.dispose]();
const seconds = Number(systemClock.now() - started) / 1e9;
process.stdout.write(`${deaths} deaths, ${failed} failures in ${seconds.toFixed(0)} s\n`);
process.exitCode = failed === 0 ? 0 : 1;
