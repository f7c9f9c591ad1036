import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { sep } from "node:path";

/** How the process dies at a file operation: before it, after it, or in the middle of it (writes only). */
export type Death = "before" | "after" | "torn";

/** What happened below the watched directory. */
export interface FileOperations {
  /** Operations that change something, in order: `rename p/1/2.tmp`. */
  readonly log: readonly string[];
  /** Whether the process has died. */
  readonly killed: boolean;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** Functions of `node:fs` that change what their first argument, a path, names. */
const BY_PATH = [
  "renameSync",
  "unlinkSync",
  "rmSync",
  "rmdirSync",
  "mkdirSync",
  "writeFileSync",
  "symlinkSync",
  "copyFileSync",
  "chmodSync",
  "utimesSync",
  "truncateSync",
] as const;
/** The same by open file. */
const BY_FILE = ["writeSync", "ftruncateSync", "futimesSync", "fchmodSync"] as const;

/**
 * Runs something that works on files below a directory, and kills it at one of the operations that change
 * anything there: that operation and all later ones fail, as if the process were gone. Whole processes are
 * not started, so that every operation of every command can be tried.
 * @param nth counted from 1; 0 never kills.
 */
export async function killAtFileOperation(
  directory: string,
  { nth, death }: { readonly nth: number; readonly death: Death },
  run: () => Promise<void>,
): Promise<FileOperations> {
  const log: string[] = [];
  let killed = false;
  const operate = (name: string, act: () => unknown, tear?: () => void): unknown => {
    if (killed) throw killedError(name);
    log.push(name);
    if (log.length !== nth) return act();
    killed = true;
    if (death === "after") act();
    if (death === "torn") tear?.();
    throw killedError(name);
  };
  const restore = watch(directory, operate);
  try {
    await run();
  } finally {
    restore();
  }
  return { log, killed };
}

function watch(
  directory: string,
  operate: (name: string, act: () => unknown, tear?: () => void) => unknown,
): () => void {
  const functions = fs as unknown as Record<string, AnyFunction>;
  const originals = new Map<string, AnyFunction>();
  const files = new Map<number, string>();
  const replace = (name: string, make: (original: AnyFunction) => AnyFunction): void => {
    const original = functions[name] as AnyFunction;
    originals.set(name, original);
    functions[name] = make(original);
  };
  const inside = (path: unknown): string | undefined => {
    const text = typeof path === "string" ? path : "";
    return text === directory || text.startsWith(directory + sep)
      ? text.slice(directory.length + 1)
      : undefined;
  };
  replace("openSync", (original) => (...args) => {
    const name = inside(args[0]);
    const isReading = args[1] === undefined || args[1] === "r" || args[1] === 0;
    if (name === undefined || isReading || isForReading(args[1])) return original(...args);
    const fd = operate(`open ${name}`, () => original(...args));
    files.set(fd as number, name);
    return fd;
  });
  for (const key of BY_PATH) {
    replace(key, (original) => (...args) => {
      const name = inside(args[0]);
      if (name === undefined) return original(...args);
      return operate(`${key.replace("Sync", "")} ${name}`, () => original(...args));
    });
  }
  for (const key of BY_FILE) {
    replace(key, (original) => (...args) => {
      const name = files.get(args[0] as number);
      if (name === undefined) return original(...args);
      return operate(
        `${key.replace("Sync", "")} ${name}`,
        () => original(...args),
        () => tearWrite(original, args),
      );
    });
  }
  replace("closeSync", (original) => (...args) => {
    files.delete(args[0] as number);
    return original(...args);
  });
  syncBuiltinESMExports();
  return () => {
    for (const [name, original] of originals) functions[name] = original;
    syncBuiltinESMExports();
  };
}

function isForReading(flags: unknown): boolean {
  const { O_WRONLY, O_RDWR } = fs.constants;
  return typeof flags === "number" && (flags & (O_WRONLY | O_RDWR)) === 0;
}

/** Half of what was to be written. */
function tearWrite(write: AnyFunction, [fd, data]: readonly unknown[]): void {
  if (data instanceof Uint8Array) write(fd, data.subarray(0, data.length >> 1));
}

function killedError(name: string): Error {
  return Object.assign(new Error(`the process was killed at ${name}`), { code: "EACCES" });
}
