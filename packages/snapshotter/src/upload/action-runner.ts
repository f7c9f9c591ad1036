import type { ActionCommand } from "../policy/policy.ts";

/** When an action is run (spec 2 §7.9). */
export type ActionKind =
  | "before-snapshot-root"
  | "after-snapshot-root"
  | "before-folder"
  | "after-folder";

/** One run of a policy's command or script. */
export interface ActionRequest {
  readonly kind: ActionKind;
  readonly command: ActionCommand;
  /** The folder as it is found in the source. */
  readonly sourcePath: string;
  /** Variables that the action gets beside those of the program. */
  readonly variables: Readonly<Record<string, string>>;
  /** Makes, when first asked, the directory in which the action runs; those before and after a folder share one. */
  workDirectory(): string;
}

/** How an action ended. */
export interface ActionResult {
  /** What it printed on stdout; empty when nobody waits for it (`async`). */
  readonly stdout: string;
  /** Why it failed, in Kopia's words (`exit status 1`); absent when it succeeded. */
  readonly failure?: string;
  /** The innermost reason, which is all that is told about a snapshot's root. */
  readonly cause?: string;
  /** Resolves when an action that nobody waits for has ended; never rejects. */
  readonly ended?: Promise<void>;
}

/** Runs the actions of policies, or declines to. */
export interface ActionRunner {
  /** Never rejects because an action failed. With mode `async` it is only started. */
  run(request: ActionRequest): Promise<ActionResult>;
}
