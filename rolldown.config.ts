import { defineConfig } from "rolldown";

/** One bundle for each program: what images and benches run. Commands stay chunks, loaded when used. */
export default ["cli", "mover"].map((program) =>
  defineConfig({
    input: `packages/${program}/src/main.ts`,
    platform: "node",
    output: { dir: `dist/${program}`, format: "esm", entryFileNames: "main.js", sourcemap: true },
  }),
);
