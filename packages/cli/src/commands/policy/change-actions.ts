import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { NS_PER_SECOND, errorMessage, formatGoDuration } from "@kopia-engine/kopia-format";
import type { ActionCommand, PolicyField } from "@kopia-engine/snapshotter";
import { CommandError } from "../../command-error.ts";
import type { ChangeList } from "./change-list.ts";
import type { ChangeOptions } from "./change-policy.ts";

const MAX_SCRIPT_BYTES = 32_000;

/** Applies the flags about commands around snapshots. @throws CommandError. */
export async function changeActions(changes: ChangeList, options: ChangeOptions): Promise<void> {
  const { flags } = options;
  const actions: readonly (readonly [string, PolicyField, string | undefined])[] = [
    ["before-folder", "actions.beforeFolder", flags.beforeFolderAction],
    ["after-folder", "actions.afterFolder", flags.afterFolderAction],
    ["before-snapshot-root", "actions.beforeSnapshotRoot", flags.beforeSnapshotRootAction],
    ["after-snapshot-root", "actions.afterSnapshotRoot", flags.afterSnapshotRootAction],
  ];
  for (const [name, field, text] of actions) {
    if (text === undefined) continue;
    if (text === "") {
      changes.make({ kind: "action", field, action: undefined }, `removing ${name} action`);
      continue;
    }
    const { action, told } = await describeAction(name, text, options);
    changes.make({ kind: "action", field, action }, told);
  }
}

async function describeAction(
  name: string,
  text: string,
  { flags, workingDirectory }: ChangeOptions,
): Promise<{ readonly action: ActionCommand; readonly told: string }> {
  const timeout = Math.trunc(flags.actionCommandTimeout / Number(NS_PER_SECOND));
  const mode = flags.actionCommandMode;
  const limit = formatGoDuration(BigInt(flags.actionCommandTimeout));
  const title = `setting ${name} (${mode}) action`;
  if (flags.persistActionScript) {
    const script = await readScript(name, resolve(workingDirectory, text));
    const told = `${title} script from file ${text} (${script.length} bytes) with timeout ${limit}`;
    return { action: { script: script.text, timeout, mode }, told };
  }
  const [path = "", ...args] = splitCommand(text);
  const quotedArgs = args.map((arg) => `"${arg}"`).join(" ");
  const withArgs = args.length === 0 ? "" : ` with arguments ${quotedArgs}`;
  return {
    action: { path, ...(args.length === 0 ? {} : { args }), timeout, mode },
    told: `${title} command to "${path}"${withArgs} and timeout ${limit}`,
  };
}

async function readScript(
  name: string,
  path: string,
): Promise<{ readonly text: string; readonly length: number }> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_SCRIPT_BYTES)
      throw new Error(
        `action script file (${path}) too long: ${bytes.length}, max allowed ${MAX_SCRIPT_BYTES}`,
      );
    return { text: bytes.toString("utf8"), length: bytes.length };
  } catch (error) {
    throw new CommandError(
      `actions policy: invalid ${name}-action: unable to read script file: ${readFailure(error, path)}`,
      { cause: error },
    );
  }
}

function readFailure(error: unknown, path: string): string {
  const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
  return isMissing ? `open ${path}: no such file or directory` : errorMessage(error);
}

/** Splits at spaces; double quotes at the start of a word keep spaces together, as in CSV. */
function splitCommand(text: string): readonly string[] {
  const words: string[] = [];
  const word = /"((?:[^"]|"")*)"(?: |$)|([^ ]*)(?: |$)/y;
  while (word.lastIndex < text.length) {
    const match = word.exec(text);
    if (match === null) break;
    words.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? "");
  }
  return words;
}
