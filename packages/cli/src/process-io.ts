import { writeSync } from "node:fs";
import { isatty } from "node:tty";
import type { CliIo, InputSource, OutputSink } from "./cli-io.ts";

/** The real streams, environment, clock and signals of this process. */
export function processIo(): CliIo {
  const interrupt = new AbortController();
  let interruptions = 0;
  let endsAtOnce = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    interruptions++;
    // The second signal does not wait any longer: 128 + number, as shells report it.
    if (interruptions > 1) process.exit(signal === "SIGINT" ? 130 : 143);
    if (endsAtOnce) {
      writeSync(process.stderr.fd, `interrupted by ${signal}\n`);
      process.exit(1);
    }
    interrupt.abort(new Error(`interrupted by ${signal}`));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    env: process.env,
    pid: process.pid,
    cwd: process.cwd(),
    stdin: standardInput(),
    stdout: outputSink(process.stdout),
    stderr: outputSink(process.stderr),
    signal: interrupt.signal,
    endOnInterrupt: () => {
      endsAtOnce = true;
    },
  };
}

function outputSink(stream: NodeJS.WriteStream & { readonly fd: number }): OutputSink {
  // A reader that went away (`kopia … | head`) ends the program quietly, as a signal would.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(141);
    // Only the other stream can still tell.
    if (stream !== process.stderr)
      writeSync(process.stderr.fd, `cannot write to standard output: ${error.message}\n`);
    process.exit(1);
  });
  return {
    isTerminal: isatty(stream.fd),
    write: (data) =>
      new Promise((resolve) => {
        stream.write(data, () => resolve());
      }),
  };
}

function standardInput(): InputSource {
  return {
    isTerminal: isatty(process.stdin.fd),
    bytes: () => process.stdin as AsyncIterable<Uint8Array>,
    readSecret,
  };
}

/** What was typed ahead, for the next question. */
let typedAhead = "";

/**
 * Asks on the terminal without showing what is typed. The question goes to stderr, so that it is seen when
 * results go to a file.
 */
async function readSecret(prompt: string): Promise<string> {
  const input = process.stdin;
  // Before the question is seen: an answer given at once must not be shown either.
  input.setRawMode(true);
  process.stderr.write(prompt);
  try {
    return await new Promise<string>((resolve, reject) => {
      let line = "";
      const take = (text: string): void => {
        const characters = Array.from(text);
        for (const [index, character] of characters.entries()) {
          const end = endOfSecret(character, line);
          if (end === undefined) {
            line = isErase(character) ? line.slice(0, -1) : line + character;
            continue;
          }
          typedAhead = characters.slice(index + 1).join("");
          input.off("data", onData).off("end", onEnd);
          if (end instanceof Error) reject(end);
          else resolve(end);
          return;
        }
      };
      const onData = (chunk: Buffer): void => take(chunk.toString("utf8"));
      const onEnd = (): void => reject(new Error("password prompt error: EOF"));
      input.on("data", onData).on("end", onEnd).resume();
      const pending = typedAhead;
      typedAhead = "";
      take(pending);
    });
  } finally {
    input.setRawMode(false);
    input.pause();
    process.stderr.write("\n");
  }
}

/** What a character that ends the line means; `undefined` for any other. */
function endOfSecret(character: string, line: string): string | Error | undefined {
  if (character === "\r" || character === "\n") return line;
  if (character === "\u0003") return new Error("password prompt error: interrupted");
  if (character === "\u0004") return line === "" ? new Error("password prompt error: EOF") : line;
  return undefined;
}

function isErase(character: string): boolean {
  return character === "\u007F" || character === "\b";
}
