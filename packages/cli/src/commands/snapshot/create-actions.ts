import type { WriteSession } from "@kopia-engine/kopia-format";
import { createProcessActionRunner, type ActionRunner } from "@kopia-engine/snapshotter";
import type { CommandContext } from "../../command-context.ts";
import { VERSION } from "../../version.ts";
import type { CreateFlagValues } from "./create-flags.ts";

/** Runs the commands of policies where this client may (spec 2 §7.9); elsewhere it is told that they are not run. */
export function actionRunner(
  { io, log }: CommandContext,
  session: WriteSession,
  flags: Pick<CreateFlagValues, "forceEnableActions" | "forceDisableActions">,
): ActionRunner {
  const isEnabled = (session.repository.client.enableActions ?? false) || flags.forceEnableActions;
  if (isEnabled && !flags.forceDisableActions) {
    return createProcessActionRunner({
      environment: io.env,
      version: VERSION,
      writeStderr: (data) => void io.stderr.write(data),
    });
  }
  return {
    run({ kind, sourcePath }) {
      log.info(
        `Not executing ${kind} action on ${sourcePath} because it's been disabled for this client.`,
      );
      return Promise.resolve({ stdout: "" });
    },
  };
}
