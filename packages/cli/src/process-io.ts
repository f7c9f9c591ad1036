import { isatty } from "node:tty";
import type { CliIo, InputSource, OutputSink } from "./cli-io.ts";

/** The real streams, environment, clock and signals of this process. */
export function processIo(): CliIo {
  const interrupt = new AbortController();
  let interruptions = 0;
  const onSignal = (signal: NodeJS.Signals): void => {
    interruptions++;
    // The second signal does not wait any longer: 128 + number, as shells report it.
    if (interruptions > 1) process.exit(signal === "SIGINT" ? 130 : 143);
    interrupt.abort(new Error(`interrupted by ${signal}`));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    env: process.env,
    cwd: process.cwd(),
    stdin: standardInput(),
    stdout: outputSink(process.stdout),
    stderr: outputSink(process.stderr),
    signal: interrupt.signal,
  };
}

function outputSink(stream: NodeJS.WriteStream & { readonly fd: number }): OutputSink {
  // A reader that went away (`kopia … | head`) ends the program quietly, as a signal would.
  stream.on("error", (error: NodeJS.ErrnoException) => {
    process.exit(error.code === "EPIPE" ? 141 : 1);
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

async function readSecret(prompt: string): Promise<string> {
  const input = process.stdin;
  process.stdout.write(prompt);
  input.setRawMode(true);
  let typed = "";
  try {
    for await (const chunk of input) {
      for (const character of String(chunk)) {
        if (character === "\r" || character === "\n" || character === "\u0004") return typed;
        if (character === "\u0003") throw new Error("interrupted");
        typed =
          character === "\u007f" || character === "\b" ? typed.slice(0, -1) : typed + character;
      }
    }
    return typed;
  } finally {
    input.setRawMode(false);
    input.pause();
    process.stdout.write("\n");
  }
}
