import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Where Python is, which has pseudo-terminals in its standard library; empty where it is not. */
const PYTHON = spawnSync("python3", ["-c", "import pty"]).status === 0 ? "python3" : "";

/** Whether command lines can be run on a terminal here. */
export const HAS_TERMINAL = PYTHON !== "";

/** What is printed before each answer is waited for; then the answer is typed. */
const SCRIPT = `
import json, os, pty, select, sys, time
task = json.load(sys.stdin)
pid, terminal = pty.fork()
if pid == 0:
    os.chdir(task["cwd"])
    os.execvpe(task["argv"][0], task["argv"], task["env"])
shown, answers, deadline = b"", task["answers"], time.monotonic() + 50
while time.monotonic() < deadline:
    if not select.select([terminal], [], [], 0.2)[0]:
        continue
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        break
    if not piece:
        break
    shown += piece
    if answers and shown.endswith(task["prompt"].encode()):
        os.write(terminal, answers.pop(0).encode())
else:
    os.kill(pid, 9)
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
json.dump({"shown": shown.decode(), "exitCode": status}, sys.stdout)
`;

const LAUNCHER = fileURLToPath(new URL("../../../bin/kopia", import.meta.url));

/** What a run on a terminal showed. */
export interface TerminalRun {
  /** Everything that a person would have seen, their own typing included where it is shown. */
  readonly shown: string;
  readonly exitCode: number;
}

/** Runs the program on a terminal of its own, answering its questions one after the other. */
export function runOnTerminal(task: {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Typed whenever what is shown ends with `prompt`. */
  readonly answers: readonly string[];
  readonly prompt?: string;
  /** Another program than ours. */
  readonly program?: string;
}): TerminalRun {
  const run = spawnSync(PYTHON, ["-c", SCRIPT], {
    encoding: "utf8",
    input: JSON.stringify({
      prompt: ": ",
      ...task,
      argv: [task.program ?? LAUNCHER, ...task.argv],
    }),
  });
  if (run.status !== 0) throw new Error(`the terminal failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as TerminalRun;
}
