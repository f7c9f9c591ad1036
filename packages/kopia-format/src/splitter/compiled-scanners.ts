import { loadSplitterKernel, type SplitterKernel } from "../wasm/splitter-kernel.ts";
import { BUZHASH_TABLE } from "./buzhash-table.ts";
import { rabinKarpKernelTables } from "./rabinkarp.ts";
import type { WindowScanner } from "./window-scanner.ts";

let kernel: SplitterKernel | null | undefined;

/** The compiled Buzhash32 scanner; `undefined` where there is no WebAssembly. */
export function compiledBuzhashScanner(averageBytes: number): WindowScanner | undefined {
  const findCandidate = splitterKernel()?.buzhashScan(averageBytes - 1);
  return findCandidate && { provider: "fast", findCandidate };
}

/** The compiled Rabin–Karp scanner; `undefined` where there is no WebAssembly. */
export function compiledRabinKarpScanner(averageBytes: number): WindowScanner | undefined {
  const findCandidate = splitterKernel()?.rabinKarpScan(averageBytes - 1);
  return findCandidate && { provider: "fast", findCandidate };
}

/** One kernel a thread: a scan leaves nothing behind in its memory that another would miss. */
function splitterKernel(): SplitterKernel | undefined {
  if (kernel === undefined) {
    kernel =
      loadSplitterKernel({ buzhash: BUZHASH_TABLE, rabinKarp: rabinKarpKernelTables }) ?? null;
  }
  return kernel ?? undefined;
}
