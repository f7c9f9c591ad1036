import { getSystemErrorMap } from "node:util";

/** What is used of the C library, on 64-bit Linux only: its types and constants are fixed there. */
export interface Libc {
  /** Access and modification time as two `struct timespec`, for the calls below: fill them right before. */
  readonly timespecs: BigInt64Array;
  utimensat(
    directoryFd: number,
    path: Uint8Array<ArrayBuffer>,
    timespecs: bigint,
    flags: number,
  ): number;
  futimens(fd: number, timespecs: bigint): number;
  flock(fd: number, operation: number): number;
  /** Address of `timespecs`. */
  readonly timespecsAddress: bigint;
  /** The error number of the last call that failed. */
  errno(): number;
}

/** The part of `node:ffi` that is used. It is experimental: absent, renamed or switched off is all normal. */
interface Ffi {
  dlopen(
    library: null,
    definitions: Record<string, { arguments: readonly string[]; return: string }>,
  ): { functions: Record<string, (...args: unknown[]) => unknown> };
  getInt32(pointer: bigint, offset: number): number;
  getRawPointer(source: ArrayBuffer): bigint;
}

const DEFINITIONS = {
  utimensat: { arguments: ["i32", "pointer", "pointer", "i32"], return: "i32" },
  futimens: { arguments: ["i32", "pointer"], return: "i32" },
  flock: { arguments: ["i32", "i32"], return: "i32" },
  __errno_location: { arguments: [], return: "pointer" },
} as const;

const state: { loaded: boolean; libc: Libc | undefined } = { loaded: false, libc: undefined };

/** The C library, or `undefined` where Node cannot call it. Found out once. */
export function loadLibc(): Libc | undefined {
  if (!state.loaded) {
    state.loaded = true;
    state.libc = openLibc();
  }
  return state.libc;
}

/** A Node-like system error from `errno`. */
export function systemError(libc: Libc, syscall: string, path: string): Error {
  const errno = libc.errno();
  const [code, description] = getSystemErrorMap().get(-errno) ?? [`E${errno}`, "unknown error"];
  return Object.assign(new Error(`${code}: ${description}, ${syscall} '${path}'`), {
    code,
    errno: -errno,
    syscall,
    path,
  });
}

function openLibc(): Libc | undefined {
  const is64BitLinux =
    process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");
  if (!is64BitLinux) return undefined;
  return withoutExperimentalWarning(() => {
    try {
      const ffi = process.getBuiltinModule("node:ffi") as unknown as Ffi | undefined;
      return ffi === undefined ? undefined : bindLibc(ffi);
    } catch {
      // Switched off, or with another interface than this one knows: the callers have their fallback.
      return undefined;
    }
  });
}

function bindLibc(ffi: Ffi): Libc {
  const { functions } = ffi.dlopen(null, DEFINITIONS);
  // Memory of its own (a small typed array would live on the moving heap), kept alive by `timespecs`.
  const timespecs = new BigInt64Array(new ArrayBuffer(32));
  const errnoLocation = functions["__errno_location"] as () => bigint;
  return {
    timespecs,
    timespecsAddress: ffi.getRawPointer(timespecs.buffer),
    utimensat: functions["utimensat"] as Libc["utimensat"],
    futimens: functions["futimens"] as Libc["futimens"],
    flock: functions["flock"] as Libc["flock"],
    // One address a thread; asked at once after the failed call.
    errno: () => ffi.getInt32(errnoLocation(), 0),
  };
}

/** Loading the module warns that it is experimental; that is known here and must not reach standard error. */
function withoutExperimentalWarning<Result>(load: () => Result): Result {
  // oxlint-disable-next-line typescript/unbound-method -- put back below, and called on the process
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (rest[0] !== "ExperimentalWarning") Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
