import { defineConfig, type Plugin } from "rolldown";

/**
 * A command would load fifty chunks, half a millisecond each: what reads the command line is one of them, and what most
 * commands need is another.
 */
const CHUNKS = {
  includeDependenciesRecursively: false,
  groups: [
    {
      name: "start",
      test: /packages.cli.src.(command-error|global-flags|version|parser.+|output.(log|sizes))\.ts$/,
      minShareCount: 2,
      priority: 2,
    },
    { name: "core", minShareCount: 25, priority: 1 },
  ],
};

/**
 * One bundle for each program: what images and benches run. Commands stay chunks, loaded when used.
 * Providers for platforms without Node's own cryptography and compression stay out: the programs need
 * Node, and the tables of these providers cost a fifth of the start-up time.
 */
export default ["cli", "mover"].flatMap((program) => [
  bundle(program, "main", `packages/${program}/src/main.ts`),
  // Threads start from files of their own, found beside the code that starts them: with the program's
  // chunks each thread would compile and keep all of it.
  bundle(program, "upload-worker", "packages/snapshotter/src/upload/upload-worker.ts"),
  bundle(program, "examine-worker", "packages/snapshotter/src/upload/examine-worker.ts"),
  bundle(program, "verify-worker", "packages/snapshotter/src/verify/verify-worker.ts"),
  bundle(program, "restore-worker", "packages/snapshotter/src/restore/restore-worker.ts"),
  bundle(program, "benchmark-worker", "packages/cli/src/commands/benchmark/benchmark-worker.ts"),
]);

function bundle(program: string, name: string, input: string): ReturnType<typeof defineConfig> {
  return defineConfig({
    input: { [name]: input },
    platform: "node",
    plugins: [withoutPortableProviders()],
    // Chunks without their dependencies need it; said here, so that the bundler does not say it.
    preserveEntrySignatures: "allow-extension",
    treeshake: { moduleSideEffects: false },
    output: {
      dir: `dist/${program}`,
      format: "esm",
      entryFileNames: "[name].js",
      sourcemap: true,
      codeSplitting: CHUNKS,
    },
  });
}

function withoutPortableProviders(): Plugin {
  const absent = `{ provider: "portable", ...Object.fromEntries(
    ["seal", "open", "compress", "decompress"].map((name) => [name, () => {
      throw new Error("this program needs a Node.js with its own crypto and zlib");
    }])) }`;
  const stubs = new Map([
    [
      "noble-aead.ts",
      `export const portableAesGcm = ${absent}; export const portableChaCha20Poly1305 = portableAesGcm;`,
    ],
    [
      "portable-zstd.ts",
      `export const portableZstdCompressor = ({ name, headerId }) => ({ name, headerId, ...${absent} });
       export function usePortableZstdEncoder() {}`,
    ],
    ["load-portable-zstd-encoder.ts", "export async function loadPortableZstdEncoder() {}"],
    [
      "portable-deflate.ts",
      `export const portableDeflateCompressor = ({ name, headerId }) => ({ name, headerId, ...${absent} });`,
    ],
  ]);
  return {
    name: "without-portable-providers",
    load(id) {
      return stubs.get(id.slice(id.lastIndexOf("/") + 1));
    },
  };
}
