import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { goStringify, type JsonInput } from "@kopia-engine/kopia-format";
import {
  compareUtf8,
  formatSource,
  getDefinedPolicy,
  listPolicies,
  policyToJson,
} from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { indentJson } from "../../output/json-indent.ts";
import { defineCommand } from "../../parser/command.ts";
import { booleanFlag, textFlag } from "../../parser/flag.ts";
import { withRepository } from "../../session/open-session.ts";
import { chosenTargets, targetArguments, targetFlags } from "./policy-targets.ts";

/** `policy export`: stored policies as a JSON object, targets as keys; what `policy import` reads. */
export const command = defineCommand({
  flags: {
    ...targetFlags,
    toFile: textFlag("to-file", { help: "Write to this file instead of stdout" }),
    overwrite: booleanFlag("overwrite", { help: "Replace a file that exists" }),
    jsonIndent: booleanFlag("json-indent", { help: "Over several lines", hidden: true }),
  },
  arguments: targetArguments,
  async run(context, { flags, arguments: { targets } }) {
    await withRepository(context, async (repository) => {
      const chosen = chosenTargets(context, repository, { global: flags.global, targets });
      const policies = new Map<string, JsonInput>();
      if (chosen === undefined) {
        for (const { target, policy } of await listPolicies(repository.manifests))
          policies.set(formatSource(target), policyToJson(policy));
      }
      for (const target of chosen ?? []) {
        const name = formatSource(target);
        const entry = await getDefinedPolicy(repository.manifests, target);
        if (entry === undefined)
          throw new CommandError(
            `can't get defined policy for ${JSON.stringify(name)}: policy not found`,
          );
        policies.set(name, policyToJson(entry.policy));
      }
      const sorted = new Map([...policies].sort(([a], [b]) => compareUtf8(a, b)));
      const compact = goStringify(sorted);
      const text = flags.jsonIndent ? indentJson(compact, { prefix: "", indent: "  " }) : compact;
      if (flags.toFile === undefined) context.out.line(text);
      else writeExport(context, text, { path: flags.toFile, overwrite: flags.overwrite });
    });
  },
});

function writeExport(
  { io }: CommandContext,
  text: string,
  to: { readonly path: string; readonly overwrite: boolean },
): void {
  const path = resolve(io.cwd, to.path);
  try {
    writeFileSync(path, `${text}\n`, { flag: to.overwrite ? "w" : "wx", mode: 0o600 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const phrase =
      code === "EEXIST"
        ? `file already exists and overwrite flag is not set: open ${to.path}: file exists`
        : code === "ENOENT"
          ? `error opening file to write to: open ${to.path}: no such file or directory`
          : `error opening file to write to: ${(error as Error).message}`;
    throw new CommandError(phrase, { cause: error });
  }
}
