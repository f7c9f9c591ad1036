import { defineConfig, type Plugin } from "rolldown";

/**
 * One bundle for each program: what images and benches run. Commands stay chunks, loaded when used.
 * Providers for platforms without Node's own cryptography and compression stay out: the programs need
 * Node, and the tables of these providers cost a fifth of the start-up time.
 */
export default ["cli", "mover"].map((program) =>
  defineConfig({
    // Threads start from entries of their own, found beside the code that starts them.
    input: {
      main: `packages/${program}/src/main.ts`,
      "upload-worker": "packages/snapshotter/src/upload/upload-worker.ts",
      "benchmark-worker": "packages/cli/src/commands/benchmark/benchmark-worker.ts",
      "verify-worker": "packages/snapshotter/src/verify/verify-worker.ts",
      "restore-worker": "packages/snapshotter/src/restore/restore-worker.ts",
    },
    platform: "node",
    plugins: [withoutPortableProviders()],
    output: { dir: `dist/${program}`, format: "esm", entryFileNames: "[name].js", sourcemap: true },
  }),
);

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
       export async function loadPortableZstdEncoder() {}`,
    ],
  ]);
  return {
    name: "without-portable-providers",
    load(id) {
      return stubs.get(id.slice(id.lastIndexOf("/") + 1));
    },
  };
}
