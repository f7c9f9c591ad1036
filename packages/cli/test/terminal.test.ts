import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HAS_TERMINAL, runOnTerminal, type TerminalRun } from "./pseudo-terminal.ts";

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "kopia-terminal-"));
});

afterEach(() => {
  rmSync(path, { recursive: true, force: true });
});

function run(argv: readonly string[], answers: readonly string[]): TerminalRun {
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: path,
    KOPIA_CONFIG_PATH: join(path, "repository.config"),
  };
  return runOnTerminal({ argv, answers, cwd: path, env });
}

test.skipIf(!HAS_TERMINAL)(
  "passwords are asked for, twice for a new repository, and never shown (needs python3)",
  () => {
    const create = ["repository", "create", "filesystem", `--path=${path}/repo`];
    const quiet = "--no-persist-credentials";
    // The last two answers arrive at once, as from a paste.
    const created = run([...create, quiet], ["secret1\n", "secret2\n", "secret3\nsecret3\n"]);
    expect(created.shown).toContain("Enter password to create new repository: ");
    expect(created.shown).toContain("Passwords don't match!");
    expect(created.shown).toContain("Connected to repository.");
    expect(created.shown).not.toContain("secret");
    expect(created.exitCode).toBe(0);
    expect(existsSync(join(path, "repository.config.kopia-password"))).toBe(false);

    const listed = run(["policy", "list"], ["\n", "secrex\u007Ft3\n"]);
    expect(listed.shown.match(/Enter password to open repository: /g)).toHaveLength(2);
    expect(listed.shown).toContain("(global)");
    expect(listed.exitCode).toBe(0);

    const wrong = run(["policy", "list"], ["nothing\n"]);
    expect(wrong.shown).toContain("invalid repository password");
    expect(wrong.exitCode).toBe(1);
  },
);

test.skipIf(!HAS_TERMINAL)(
  "Ctrl-C and the end of input at a prompt end the program, with the terminal as it was (needs python3)",
  () => {
    const create = ["repository", "create", "filesystem", `--path=${path}/repo`];
    run(create, ["secret\n", "secret\n"]);
    expect(readFileSync(join(path, "repository.config.kopia-password"), "utf8")).toBe("c2VjcmV0");
    rmSync(join(path, "repository.config.kopia-password"));
    for (const key of ["\u0003", "\u0004"]) {
      const { shown, exitCode } = run(["policy", "list"], [key]);
      expect(shown).toContain("password prompt error: ");
      expect(exitCode).toBe(1);
    }
  },
);
