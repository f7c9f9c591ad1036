import type { Repository } from "@kopia-engine/kopia-format";
import { GLOBAL_TARGET, type Source } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import type { CommandContext } from "../../command-context.ts";
import { remainingArguments } from "../../parser/command.ts";
import { booleanFlag } from "../../parser/flag.ts";
import { sourceArgument } from "../../session/source-argument.ts";

/** Argument and flag that choose policies. */
export const targetArguments = {
  targets: remainingArguments("target", "A path, @host, user@host or user@host:path"),
};

/** The flag for the global policy. */
export const targetFlags = {
  global: booleanFlag("global", { help: "The global policy" }),
};

/** Targets that a command line names. @throws CommandError when none or both are given. */
export function policyTargets(
  context: CommandContext,
  repository: Repository,
  chosen: { readonly global: boolean; readonly targets: readonly string[] },
): readonly Source[] {
  if (chosen.global === chosen.targets.length > 0)
    throw new CommandError("must pass either '--global' or a list of path targets");
  if (chosen.global) return [GLOBAL_TARGET];
  return chosen.targets.map((text) => parsePolicyTarget(context, repository, text));
}

/** The same where naming none means all: `undefined` then. @throws CommandError when both are given. */
export function chosenTargets(
  context: CommandContext,
  repository: Repository,
  chosen: { readonly global: boolean; readonly targets: readonly string[] },
): readonly Source[] | undefined {
  if (!chosen.global && chosen.targets.length === 0) return undefined;
  return policyTargets(context, repository, chosen);
}

/** One target as a person writes it. @throws CommandError. */
export function parsePolicyTarget(
  context: CommandContext,
  repository: Repository,
  text: string,
): Source {
  const quoted = JSON.stringify(text);
  return sourceArgument(
    context,
    repository,
    text,
    (problem) => `unable to parse source info: ${quoted}: ${problem}`,
  );
}
