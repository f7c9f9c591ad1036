import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { errnoText, errorCodeOf } from "../fs/go-errno.ts";
import type { ActionCommand } from "../policy/policy.ts";
import type { ActionRequest, ActionResult, ActionRunner } from "./action-runner.ts";

const DEFAULT_TIMEOUT_SECONDS = 180;
/** Only a line with a path is looked for in it. */
const MAX_STDOUT_BYTES = 2 ** 20;

/** What `createProcessActionRunner` is told. */
export interface ProcessActionOptions {
  /** Environment of the program, handed on to actions. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `KOPIA_VERSION` of actions. */
  readonly version: string;
  /** Takes what actions print on stderr. */
  readonly writeStderr: (data: Uint8Array) => void;
}

/**
 * Runs actions as processes of this machine (spec 2 §7.9). One with mode `async` goes on until it ends by itself, also
 * after this program; the original kills it as soon as it has started it.
 */
export function createProcessActionRunner(options: ProcessActionOptions): ActionRunner {
  return {
    async run(request) {
      const workDirectory = request.workDirectory();
      const [program = "", ...args] = commandLine(request, { workDirectory, options });
      if (program === "") return { stdout: "", failure: "exec: no command" };
      const isAsync = request.command.mode === "async";
      const child = start(program, args, {
        cwd: workDirectory,
        env: { ...options.environment, ...request.variables, KOPIA_VERSION: options.version },
        stdio: isAsync ? "ignore" : ["ignore", "pipe", "pipe"],
        detached: isAsync,
        killSignal: "SIGKILL",
        // Its timer would keep this program waiting for what nobody is to wait for.
        ...(isAsync ? {} : { timeout: timeoutMs(request.command) }),
      });
      const result = isAsync ? await started(child) : await finished(child, request, options);
      return withStartFailure(program, result);
    },
  };
}

function timeoutMs({ timeout = 0 }: ActionCommand): number {
  return (timeout > 0 ? timeout : DEFAULT_TIMEOUT_SECONDS) * 1000;
}

function commandLine(
  request: ActionRequest,
  { workDirectory, options }: { workDirectory: string; options: ProcessActionOptions },
): readonly string[] {
  const { path = "", args = [], script = "" } = request.command;
  if (script === "") return [path, ...args];
  const isWindows = process.platform === "win32";
  const file = join(workDirectory, `${request.kind}.${isWindows ? "cmd" : "sh"}`);
  writeFileSync(file, script, { mode: 0o700 });
  if (isWindows) return [options.environment["COMSPEC"] ?? "cmd.exe", "/c", file];
  return script.startsWith("#!") ? [file] : ["sh", "-e", file];
}

type Started = { readonly child: ChildProcess } | { readonly error: unknown };

function start(program: string, args: readonly string[], options: SpawnOptions): Started {
  try {
    return { child: spawn(program, args, options) };
  } catch (error) {
    // A NUL byte in an argument, for one, is refused at once.
    return { error };
  }
}

type Outcome = ActionResult & { readonly error?: unknown };

async function started(process: Started): Promise<Outcome> {
  if ("error" in process) return { stdout: "", error: process.error };
  const { child } = process;
  return await new Promise((done) => {
    child.once("error", (error) => done({ stdout: "", error }));
    child.once("spawn", () => {
      // It goes on when this program has ended.
      child.unref();
      const ended = new Promise<void>((resolve) => {
        child.once("exit", () => resolve());
      });
      done({ stdout: "", ended });
    });
  });
}

async function finished(
  process: Started,
  { command }: ActionRequest,
  { writeStderr }: ProcessActionOptions,
): Promise<Outcome> {
  if ("error" in process) return { stdout: "", error: process.error };
  const { child } = process;
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  child.stdout?.on("data", (piece: Uint8Array) => {
    lengthBytes += piece.length;
    if (lengthBytes <= MAX_STDOUT_BYTES) pieces.push(piece);
  });
  child.stderr?.on("data", writeStderr);
  return await new Promise((done) => {
    child.once("error", (error) => done({ stdout: "", error }));
    const closePipes = (): void => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    // An action may leave processes behind that hold the pipes open.
    child.once("exit", (_code, signal) => {
      if (signal !== null) closePipes();
    });
    AbortSignal.timeout(timeoutMs(command)).addEventListener("abort", closePipes);
    child.once("close", (code, signal) => {
      const stdout = Buffer.concat(pieces).toString("utf8");
      if (code === 0) done({ stdout });
      else done({ stdout, failure: signal === null ? `exit status ${code}` : signalText(signal) });
    });
  });
}

function withStartFailure(program: string, { error, ...result }: Outcome): ActionResult {
  if (error === undefined) return result;
  if (errorCodeOf(error) === "ENOENT" && !program.includes("/")) {
    const cause = "executable file not found in $PATH";
    return { stdout: "", failure: `exec: ${JSON.stringify(program)}: ${cause}`, cause };
  }
  const cause = errnoText(error);
  return { stdout: "", failure: `fork/exec ${program}: ${cause}`, cause };
}

/** What Go calls the signals that end processes. */
const SIGNAL_WORDS: Readonly<Record<string, string>> = {
  SIGABRT: "aborted",
  SIGHUP: "hangup",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGPIPE: "broken pipe",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

function signalText(signal: string): string {
  return `signal: ${SIGNAL_WORDS[signal] ?? signal}`;
}
