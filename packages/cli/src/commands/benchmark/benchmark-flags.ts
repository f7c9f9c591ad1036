import { booleanFlag, byteSizeFlag, countFlag, type FlagValues } from "../../parser/flag.ts";

/** Flags of the benchmarks over blocks of one size (spec 3 §10). */
export function blockFlags(defaults: { readonly blockSize: string; readonly repeat: number }) {
  return {
    blockSize: byteSizeFlag("block-size", { help: "Size of a block", default: defaults.blockSize }),
    repeat: countFlag("repeat", { help: "Number of repetitions", default: defaults.repeat }),
    ...commonFlags,
  };
}

/** Flags of all benchmarks. */
export const commonFlags = {
  parallel: countFlag("parallel", { help: "Number of threads", default: 1 }),
  printOptions: booleanFlag("print-options", {
    help: "Print the flags that choose an algorithm for a repository",
  }),
};

/** Values of `blockFlags`. */
export type BlockFlagValues = FlagValues<ReturnType<typeof blockFlags>>;
