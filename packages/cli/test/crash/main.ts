import { systemClock } from "@kopia-engine/kopia-format";
import { CRASH_COMMANDS } from "./crash-commands.ts";
import { crashTemplate, type CrashTemplate, type TemplateKind } from "./crash-template.ts";
import { enumerateDeaths } from "./enumerate-deaths.ts";
import { DRY_RUNS, READING_COMMANDS, changesOf } from "./reading-commands.ts";

/** Kills every command (or those whose name has one of the given words in it) at every file operation. */
const words = process.argv.slice(2);
const isWanted = ({ name }: { readonly name: string }): boolean =>
  words.length === 0 || words.some((word) => name.includes(word));
const templates = new Map<TemplateKind, CrashTemplate>();
const started = systemClock.now();
let deaths = 0;
let failed = 0;
let reading = 0;
for (const command of CRASH_COMMANDS.filter(isWanted)) {
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
for (const command of [...READING_COMMANDS, ...DRY_RUNS]) {
  if (command.argv === undefined || !isWanted(command)) continue;
  const template = templates.get("current") ?? (await crashTemplate("current"));
  templates.set("current", template);
  const changes = await changesOf(command, template);
  reading++;
  if (changes.length === 0) continue;
  failed++;
  process.stdout.write(`${command.name} must change nothing: ${changes.join(", ")}\n`);
}
for (const template of templates.values()) template[Symbol.dispose]();
const seconds = Number(systemClock.now() - started) / 1e9;
process.stdout.write(
  `${deaths} deaths, ${reading} commands that change nothing, ${failed} failures in ${seconds.toFixed(0)} s\n`,
);
process.exitCode = failed === 0 ? 0 : 1;
