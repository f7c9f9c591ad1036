/** Kernels in the shapes of `kopia benchmark`: for the command line, and for the benches beside the original. */
export { REED_SOLOMON_CRC32 } from "../ecc/ecc-codec.ts";
export type { Kernel, KernelSpec } from "./kernel-spec.ts";
export { prepareKernel } from "./prepare-kernel.ts";
