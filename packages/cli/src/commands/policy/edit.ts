import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePolicy, decodePolicy } from "@kopia-engine/snapshotter";
import {
  EMPTY_POLICY,
  formatSource,
  getDefinedPolicy,
  setPolicy,
  type Policy,
} from "@kopia-engine/snapshotter";
import { errorMessage } from "@kopia-engine/kopia-format";
import type { CommandContext } from "../../command-context.ts";
import { CommandError } from "../../command-error.ts";
import { indentJson } from "../../output/json-indent.ts";
import { defineCommand } from "../../parser/command.ts";
import { withWriteSession } from "../../session/open-session.ts";
import { policyTargets, targetArguments, targetFlags } from "./policy-targets.ts";
import { savePolicy } from "./save-policy.ts";

/** What a person is told about sections that are written by hand most. */
const SECTION_NOTES: Readonly<Record<string, readonly string[]>> = {
  retention: ['How many to keep: "keepLatest", "keepHourly", "keepDaily", "keepWeekly", …: number'],
  files: [
    'What to leave out: "ignore": ["*.tmp", "/cache"], "maxFileSize": bytes',
    'Names of files with more rules: "ignoreDotFiles": [".kopiaignore"]',
  ],
  scheduling: [
    '"intervalSeconds": 3600, "timeOfDay": [{"hour": 3, "min": 30}], "cron": ["0 3 * * *"]',
    'or "manual": true, which excludes the others',
  ],
};

/** `policy edit`: opens the stored policy in an editor, and stores what comes back when that is confirmed. */
export const command = defineCommand({
  flags: { ...targetFlags },
  arguments: targetArguments,
  async run(context, { flags, arguments: { targets } }) {
    const { log } = context;
    await withWriteSession(context, async ({ manifests, repository }) => {
      const chosen = policyTargets(context, repository, { global: flags.global, targets });
      for (const target of chosen) {
        const name = formatSource(target);
        const before = (await getDefinedPolicy(manifests, target))?.policy ?? EMPTY_POLICY;
        log.info(`Editing policy for ${name} using external editor...`);
        const after = await edit(context, name, before);
        const json = encodePolicy(after);
        if (json === encodePolicy(before)) {
          log.info(`Policy for ${name} unchanged`);
          continue;
        }
        log.info(`Updated policy for ${name}`);
        log.info(indentJson(json, { prefix: "", indent: "  " }));
        log.info("");
        if (await confirms(context))
          await savePolicy(target, after, () => setPolicy(manifests, target, after));
      }
    });
  },
});

async function edit(context: CommandContext, name: string, policy: Policy): Promise<Policy> {
  const directory = mkdtempSync(join(tmpdir(), "kopia-policy-"));
  const path = join(directory, "policy.conf");
  let isUsable = false;
  try {
    writeFileSync(path, editorText(name, policy), { mode: 0o600 });
    await launchEditor(context, path);
    const edited = decodePolicy(withoutComments(readFileSync(path, "utf8")), name);
    isUsable = true;
    return edited;
  } catch (error) {
    if (error instanceof CommandError) {
      isUsable = true;
      throw error;
    }
    throw new CommandError(
      `unable to parse the edited policy: ${errorMessage(error)}\n` +
        `  what to do: nothing was changed; what you wrote is in ${path}`,
      { cause: error },
    );
  } finally {
    if (isUsable) rmSync(directory, { recursive: true, force: true });
  }
}

function editorText(name: string, policy: Policy): string {
  const lines = [
    "",
    `# Policy of '${name}'.`,
    "# Change it, save the file and leave the editor. It must stay valid JSON.",
    "# Lines that begin with # are left out.",
    "",
  ];
  for (const line of indentJson(encodePolicy(policy), { prefix: "", indent: "  " }).split("\n")) {
    const [, section = ""] = /^ {2}"(\w+)": /.exec(line) ?? [];
    for (const note of SECTION_NOTES[section] ?? []) lines.push(`  # ${note}`);
    lines.push(line);
  }
  return `${lines.join("\n")}\n`;
}

function withoutComments(text: string): string {
  return text
    .split("\n")
    .filter((line) => !line.trimStart().startsWith("#"))
    .join("\n");
}

async function launchEditor({ io }: CommandContext, path: string): Promise<void> {
  const command = io.env["VISUAL"] || io.env["EDITOR"] || "vi";
  const [program = "vi", ...args] = command.split(" ").filter((word) => word !== "");
  // The editor and what it starts need no password.
  const { KOPIA_PASSWORD: _, ...env } = io.env;
  const failure = await new Promise<string | undefined>((done) => {
    const child = spawn(program, [...args, path], { stdio: "inherit", cwd: io.cwd, env });
    child.on("error", (error: NodeJS.ErrnoException) =>
      done(
        error.code === "ENOENT"
          ? `exec: ${JSON.stringify(program)}: executable file not found in $PATH`
          : error.message,
      ),
    );
    child.on("exit", (code, signal) =>
      done(code === 0 ? undefined : signal === null ? `exit status ${code}` : `signal: ${signal}`),
    );
  });
  if (failure === undefined) return;
  throw new CommandError(
    `unable to launch editor: error launching editor: error running editor command: ${failure}\n` +
      "  what to do: set EDITOR to an editor that works here; nothing was changed",
  );
}

/** Anything but a word that begins with `y` is a no; so is the end of input. */
async function confirms({ io }: CommandContext): Promise<boolean> {
  await io.stderr.write("Save updated policy? (y/N) ");
  let answer = "";
  for await (const piece of io.stdin.bytes()) {
    answer += Buffer.from(piece).toString("utf8");
    if (answer.includes("\n")) break;
  }
  return /^\s*y/i.test(answer);
}
