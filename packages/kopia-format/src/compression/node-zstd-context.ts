import type * as NodeZlib from "node:zlib";
import type { Bytes } from "../base/bytes.ts";

// `zstdCompressSync` makes a stream object and a zstd context for every call, which costs more than
// compressing a few kilobytes does. The object behind a stream can be written to again and again:
// zstd starts a new frame after each that was ended. Node does not document that object, so it is
// probed before use, everything it gives is checked, and without it the documented call serves.

/** The part of the object behind a zlib stream that is used here. */
interface StreamHandle {
  writeSync(
    flush: number,
    input: Uint8Array,
    ...lengths: [
      inputOffset: number,
      inputLength: number,
      output: Uint8Array,
      outputOffset: number,
      outputLength: number,
    ]
  ): void;
}

interface StreamInternals {
  readonly _handle?: Partial<StreamHandle> | null;
  /** Bytes that were left over of the output, and of the input, after a write. */
  readonly _writeState?: Uint32Array;
}

type ZstdStream = NodeZlib.ZstdCompress | NodeZlib.ZstdDecompress;

/** A zstd context that is used for many small contents. */
export interface ReusableContext {
  /**
   * The output for one whole input, in bytes of its own; `undefined` when anything is not as
   * expected (the context is then of no more use, and the documented call must be asked).
   *
   * @param maxOutputBytes the output is known to be shorter than this.
   */
  run(input: Uint8Array, maxOutputBytes: number): Bytes | undefined;
  /** As `run`, into memory of the caller, which must have more room than the output needs. Gives its length. */
  runInto(input: Uint8Array, output: Uint8Array, offsetBytes: number): number | undefined;
}

/** Largest output of a reusable context: beyond, contexts are cheap beside the work. */
export const MAX_REUSED_OUTPUT_BYTES = 2 ** 18;

/** Wraps the object behind a stream; `undefined` where Node does not have it in this form. */
export function reusableContext(stream: ZstdStream, flush: number): ReusableContext | undefined {
  const { _handle: handle, _writeState: state } = stream as unknown as StreamInternals;
  if (typeof handle?.writeSync !== "function" || !(state instanceof Uint32Array)) return undefined;
  let own: Uint8Array | undefined;
  let broken = false;
  stream.on("error", () => {
    broken = true;
  });
  const runInto: ReusableContext["runInto"] = (input, output, offsetBytes) => {
    if (broken) return undefined;
    const roomBytes = output.length - offsetBytes;
    try {
      handle.writeSync?.(flush, input, 0, input.length, output, offsetBytes, roomBytes);
    } catch {
      broken = true;
    }
    const [outputLeft = 0, inputLeft = 1] = state;
    // A full output means that there is more to come.
    broken ||= stream.destroyed || inputLeft !== 0 || outputLeft === 0;
    return broken ? undefined : roomBytes - outputLeft;
  };
  return {
    runInto,
    run(input, maxOutputBytes) {
      if (maxOutputBytes >= MAX_REUSED_OUTPUT_BYTES) return undefined;
      own ??= new Uint8Array(MAX_REUSED_OUTPUT_BYTES);
      const lengthBytes = runInto(input, own, 0);
      return lengthBytes === undefined ? undefined : own.slice(0, lengthBytes);
    },
  };
}
